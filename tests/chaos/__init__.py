"""Three gateways on a real Redis, hundreds of clients behind a balancer, and faults: does everybody see the truth?"""
