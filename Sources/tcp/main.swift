print("tcp")
