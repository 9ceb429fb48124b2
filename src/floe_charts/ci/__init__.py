"""Workflows of CI systems that keep charts proved, current and published: files for the user's own repository.

:mod:`~floe_charts.ci.pipeline` says which commands run and on which files, :mod:`~floe_charts.ci.github` and
:mod:`~floe_charts.ci.gitlab` say it in the words of each system. Both give files as ``synth`` does, to be written or
compared.
"""
