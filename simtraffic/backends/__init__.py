"""Real programs beside a run: where they listen, how they are found, started, awaited and asked.

============  =====================================================================================
find          where a program is, and which version of it
commands      command lines of Prometheus, Alertmanager, Jaeger, VictoriaLogs and the collector
programs      a program that runs: started, ready, stopped
supervise     several of them, started in order, started again, stopped the other way round
query         stores are asked by HTTP: one way to ask, one way to fail
prometheus    what it holds; jaeger, victoria_logs: the same of them
============  =====================================================================================
"""
