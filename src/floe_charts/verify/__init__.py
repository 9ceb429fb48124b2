"""Proofs about a Helm chart, whoever wrote it: Helm renders it, Kubernetes accepts it, no value is dead.

:mod:`~floe_charts.verify.verification` opens a chart and runs the checks on it. Each check is one function
``check_<name>`` in a module of its own, which takes a :class:`~floe_charts.verify.subject.Subject`, returns what it
found and prints nothing; modules whose names begin like a check's are parts of it. No check knows another one.

The checks:

- :mod:`~floe_charts.verify.lint`: what does Helm's strict lint say?
- :mod:`~floe_charts.verify.renders`: does Helm render it, in each case (``helm_errors`` reads what Helm says)?
- :mod:`~floe_charts.verify.kubernetes`: does every object fit the schemas and rules of each version of Kubernetes
  (``cron`` and ``quantities`` are such rules)?
- :mod:`~floe_charts.verify.custom_resources`: does every custom resource fit its own schema (``schema_files`` and
  ``crds`` read them, ``schemas`` validates)?
- :mod:`~floe_charts.verify.pod_security`: does every pod meet the Pod Security Standard?
- :mod:`~floe_charts.verify.dead`: which values change nothing (``witnesses`` are the values put in to see)?
- :mod:`~floe_charts.verify.sealed`: does values.schema.json refuse what is misspelt or of a wrong type?
- :mod:`~floe_charts.verify.text`: does any text come out as it went in?
- :mod:`~floe_charts.verify.dependencies`: are they ``declared``, present, and content with the ``handed_values``?
- :mod:`~floe_charts.verify.references`: do the names, labels and ports that objects mention exist?
- :mod:`~floe_charts.verify.secrets`: is there a credential in plain text (``secret_literals`` knows them)?

What they look at:

- :mod:`~floe_charts.verify.subject`: the chart, its cases and what Helm renders of them, once for all checks;
- :mod:`~floe_charts.verify.cases`, :mod:`~floe_charts.verify.kube_versions` and
  :mod:`~floe_charts.verify.provided`: with which values, for which Kubernetes, beside which objects;
- :mod:`~floe_charts.verify.engine`: Helm itself, embedded or as a program, given the ``chart_variants`` that it can use
  offline (``schema_references`` resolves what schemas take from the network);
- :mod:`~floe_charts.verify.chart_files`: the files of a chart (``chart_reading``, without those of ``helm_ignore``);
- :mod:`~floe_charts.verify.objects` and :mod:`~floe_charts.verify.pods`: the Kubernetes objects in what Helm rendered,
  and the pods that they make;
- :mod:`~floe_charts.verify.kube_yaml`, :mod:`~floe_charts.verify.values` and
  :mod:`~floe_charts.verify.json_schema`: YAML, trees of values, and JSON Schemas, as Kubernetes and Helm take them.

What comes of it:

- :mod:`~floe_charts.verify.findings`: what a check found, in one shape for all;
- :mod:`~floe_charts.verify.acceptance`: which findings somebody accepts, and why;
- :mod:`~floe_charts.verify.report` and :mod:`~floe_charts.verify.reports`: all of it, and how it is written as text,
  JSON, SARIF or JUnit XML;
- :mod:`~floe_charts.verify.preview` and :mod:`~floe_charts.verify.manifests`: no proof, only what Helm renders.
"""
