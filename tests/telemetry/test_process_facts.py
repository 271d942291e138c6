"""What a process says about itself, beside what Prometheus' own collector says."""

import os
import socket

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector

from rates.telemetry.process_facts import ProcessFacts, count_open_files


def test_the_facts_are_those_of_prometheus() -> None:
    ours = {metric.name: metric for metric in ProcessFacts().collect()}
    theirs = {metric.name: metric for metric in ProcessCollector("rates", registry=CollectorRegistry()).collect()}
    assert ours.keys() == theirs.keys()
    for name, metric in theirs.items():
        (mine,), (other,) = ours[name].samples, metric.samples
        assert (ours[name].type, mine.name) == (metric.type, other.name)
        assert mine.value == pytest.approx(other.value, rel=0.2)


def test_open_files_are_counted() -> None:
    before = count_open_files()
    more = [socket.socket() for _ in range(50)]
    assert count_open_files() == before + 50
    for each in more:
        each.close()
    assert abs(len(os.listdir("/proc/self/fd")) - before) <= 1
