"""Manifests with which Argo CD and Flux deploy the charts: each environment, on its cluster, in its namespace.

:mod:`~floe_charts.gitops.releases` says what is deployed where, :mod:`~floe_charts.gitops.argocd` and
:mod:`~floe_charts.gitops.flux` say it in the words of each controller. Both give files as ``synth`` does, to be
written as a whole or compared. They read the deployment alone: the charts they name are in the registry.
"""
