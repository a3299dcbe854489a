"""Speed, side by side: the same network, images, batch and steps in skiprun's loop and in others'.

Every arm is a process of its own, so that no one's allocator, threads or patches reach another. They take
turns of some steps, round after round, and a ratio is formed within a round: what disturbs the machine
disturbs all of them. The device, a CPU or a GPU, is an argument of every loop; each uses it as its users
would. How to measure on a GPU that is lent for minutes: gpu.md.
"""
