from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.pods import pod_templates


def _object(kind, api_version="apps/v1", **data):
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "shop"}, **data}
    return RenderedObject("chart/templates/x.yaml", 0, body)


def test_pod_templates_of_every_kind():
    spec = {"containers": [{"name": "main"}]}
    template = {"metadata": {"labels": {"app": "shop"}}, "spec": spec}
    objects = [
        _object("Deployment", spec={"template": template}),
        _object("StatefulSet", spec={"template": template}),
        _object("DaemonSet", spec={"template": template}),
        _object("Job", "batch/v1", spec={"template": template}),
        _object("CronJob", "batch/v1", spec={"jobTemplate": {"spec": {"template": template}}}),
        _object("Pod", "v1", spec=spec),
        _object("PodTemplate", "v1", template=template),
        _object("Service", "v1", spec={}),
        _object("Deployment", "example.com/v1", spec={"template": template}),
    ]
    found = pod_templates(objects)
    assert [one.owner.kind for one in found] == [
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Pod",
        "PodTemplate",
    ]
    assert all(one.spec == spec for one in found)
    assert found[0].labels == {"app": "shop"}
    assert found[4].path == ("spec", "jobTemplate", "spec", "template")


def test_containers_come_with_their_paths():
    spec = {"containers": [{"name": "main"}, None], "initContainers": [{"name": "first"}], "ephemeralContainers": "x"}
    (pod,) = pod_templates([_object("Deployment", spec={"template": {"spec": spec}})])
    assert [(path, one["name"]) for path, one in pod.containers()] == [
        (("spec", "template", "spec", "initContainers", 0), "first"),
        (("spec", "template", "spec", "containers", 0), "main"),
    ]
    assert len(list(pod.containers(("containers",)))) == 1


def test_odd_shapes_hold_no_pods():
    odd = [{"spec": None}, {"spec": {"template": []}}, {"spec": {"template": {"spec": None}}}, {"spec": "x"}]
    assert pod_templates([_object("Deployment", **one) for one in odd]) == []
    (pod,) = pod_templates([_object("Deployment", spec={"template": {"metadata": {"labels": 3}, "spec": {}}})])
    assert pod.labels == {}
