"""Prints the nanoseconds that a ready child of an asyncio.TaskGroup costs: asyncio_task_group.py CHILDREN"""

import asyncio
import sys
import time


async def child(n):
    return n


async def children(count):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(child(n)) for n in range(count)]
    return [task.result() for task in tasks]


async def main(count):
    began = time.perf_counter_ns()
    values = await children(count)
    took = time.perf_counter_ns() - began
    assert values == list(range(count))
    print(took / count)


if not hasattr(asyncio, "TaskGroup"):
    sys.exit("asyncio.TaskGroup came with Python 3.11")
asyncio.run(main(int(sys.argv[1])))
