import Workloads
print("todo")
