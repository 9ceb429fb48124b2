"""Proofs about a Helm chart, whoever wrote it: Helm renders it, Kubernetes accepts it, no value is dead.

One module for one question; each returns what it found and prints nothing:

- :mod:`~floe_charts.verify.engine`: Helm itself, embedded or as a program;
- :mod:`~floe_charts.verify.objects`: the Kubernetes objects in what Helm rendered;
- :mod:`~floe_charts.verify.schemas`: do they fit Kubernetes and the custom resources' schemas?
- :mod:`~floe_charts.verify.sealed`: does values.schema.json refuse what is misspelt or of a wrong type?
- :mod:`~floe_charts.verify.dead`: which values change nothing?
- :mod:`~floe_charts.verify.text`: does any text come out as it went in?
"""
