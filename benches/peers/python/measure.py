"""What both peers are measured with."""

import time


def measure(handler, event, seconds):
    """Handles the event for so long; answers the median time, and the last answer."""
    answer = handler(event)
    times = []
    end = time.perf_counter() + float(seconds)
    while not times or time.perf_counter() < end:
        begin = time.perf_counter()
        answer = handler(event)
        times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) // 2], answer
