"""Which values go to which chart, how products are named and spread over charts, and what is too large."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floe_charts.artifacts import CompiledArtifacts, distinct_slugs
from floe_charts.cli import main
from floe_charts.constructs.jobs.chart import FloeJobs, jobs_charts
from floe_charts.constructs.jobs.plan import plan_products
from floe_charts.deployment import Deployment
from floe_charts.errors import ArtifactError, DeploymentError, ValuesError
from floe_charts.synth.jobs import synth_jobs
from floe_charts.synth.synthesis import synth
from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.objects import parse_objects
from floe_charts.verify.values import helm_merge
from tests.constructs.jobs_charts import jobs_objects, of_kind
from tests.support import load_yaml
from tests.synth.cases import artifact
from tests.synth.charts import WrittenChart
from tests.synth.jobs_cases import jobs_of, made_jobs, minimal_product
from tests.synth.kubernetes_names import name_faults
from tests.verify.test_own_chart import verified


def product(name: str, **changes: object) -> CompiledArtifacts:
    return artifact(metadata__product_name=name, **changes)


def both(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The values of each chart in ``dev``, with these in the deployment file."""
    deployment = Deployment.parse({"values": values}, source="floe-charts.yaml")
    return {
        "platform": synth([artifact()], deployment, plugin_values=()).final_values("dev"),
        "jobs": synth_jobs([artifact()], deployment).final_values("dev"),
    }


class TestWhichChart:
    def test_what_stands_under_jobs_is_the_jobs_charts(self) -> None:
        found = both({"jobs": {"dbt": {"backoffLimit": 4}}, "marquez": {"replicas": 2}})
        assert found["jobs"]["jobs"]["dbt"]["backoffLimit"] == 4 and "marquez" not in found["jobs"]
        assert found["platform"]["marquez"]["replicas"] == 2 and "jobs" not in found["platform"]

    @pytest.mark.parametrize(
        "values",
        [
            {"imageRegistry": "mirror.example.com"},
            {"imagePullSecrets": [{"name": "mirror"}]},
            {"commonLabels": {"team": "data"}},
            {"commonAnnotations": {"acme.example/owner": "data"}},
            {"tests": {"enabled": False}},
        ],
    )
    def test_what_both_have_goes_to_both(self, values: dict[str, Any]) -> None:
        for chart in both(values).values():
            assert helm_merge(chart, values) == chart

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"jobs": {"dtb": {}}}, "jobs.dtb is not a value of this chart; did you mean jobs.dbt"),
            ({"jobs": {"dbt": {"bakoffLimit": 1}}}, "did you mean jobs.dbt.backoffLimit?"),
            (
                {"jobs": {"products": {"hello-floe": {"custom": {"a-b": {"command": ["a"]}}}}}},
                "letters and digits that",
            ),
            ({"jobs": {"podLabels": {"helm.sh/chart": "a"}}}, 'found "helm.sh/chart", which is not for values to set'),
            ({"jobs": 5}, "jobs takes a map, found 5"),
            ({"jobs": {"products": {"hello-floe": {"custom": {"dbt": {"command": ["a"]}}}}}}, "cannot have dbt"),
            ({"jobs": {"products": {"hello-floe": {"custom": {"a-b": {"command": ["a"]}}}}}}, '"a-b"'),
            (
                {"jobs": {"products": {"hello-floe": {"dbt": {"schedule": "60 6 * * *"}}}}},
                "jobs.products.hello-floe.dbt.schedule takes a cron expression of five fields (minute, hour, day, "
                'month, weekday) such as 30 2 * * *, or @daily, found "60 6 * * *"',
            ),
            ({"imageRegistri": "a.b"}, "did you mean imageRegistry?"),
        ],
    )
    def test_a_mistake_is_refused(self, values: dict[str, Any], said: str) -> None:
        with pytest.raises(ValuesError) as caught:
            both(values)
        assert str(caught.value).startswith("floe-charts.yaml: values: ") and said in str(caught.value)

    @pytest.mark.parametrize("shards", [1, 3])
    @pytest.mark.parametrize("given", [None, {"dbt": {"schedule": "@daily"}}])
    @pytest.mark.parametrize(
        ("key", "said"),
        [
            ("helo_floe", "; did you mean jobs.products.hello-floe?"),
            (
                f"{'customer-' * 4}europ",
                f"; did you mean jobs.products.customer-custo-18f5ec00 ({'customer-' * 4}europe)?",
            ),
            ("nope", ", which are customer-custo-18f5ec00 and hello-floe"),
        ],
    )
    def test_a_product_that_there_is_not_is_told_in_a_line(self, shards: int, given: Any, key: str, said: str) -> None:
        file = {"jobs": {"shards": shards}, "environments": {"qa": {"values": {"jobs": {"products": {key: given}}}}}}
        artifacts = [artifact(), product(f"{'customer-' * 4}europe")]
        for make in (synth_jobs, synth):
            with pytest.raises(ValuesError) as caught:
                make(artifacts, Deployment.parse(file, source="f.yaml"))
            where = f"f.yaml: environments.qa.values: jobs.products.{key} is none of the data products"
            assert str(caught.value) == where + said

    def test_null_takes_a_product_out_everywhere_or_in_an_environment(self) -> None:
        removed = {"values": {"jobs": {"products": {"hello-floe": None}}}}
        for file in (removed, {"environments": {"staging": removed}}):
            files = synth_jobs([artifact(), product("b")], Deployment.parse(file))
            assert set(files.final_values("staging")["jobs"]["products"]) == {"b"}

    @pytest.mark.parametrize(
        ("zone", "said"),
        [
            ("Europe/Wien", "; did you mean Europe/Vienna?"),
            ("europe/vienna", "; did you mean Europe/Vienna?"),
            ("Mars/Phobos", 'found "Mars/Phobos"'),
            ("UTC", 'such as Europe/Vienna or Etc/UTC, found "UTC"'),
        ],
    )
    def test_a_time_zone_that_kubernetes_would_not_know(self, zone: str, said: str) -> None:
        with pytest.raises(ValuesError) as caught:
            both({"jobs": {"timeZone": zone}})
        message = str(caught.value)
        assert message.startswith("floe-charts.yaml: values: jobs.timeZone takes a time zone ")
        assert message.endswith(said) and "\n" not in message

    @pytest.mark.parametrize(
        ("kind", "given", "found", "source"),
        [
            ("dbt", {"schedule": "@daily"}, "schedule", "dbt_profiles"),
            ("ingestion", {"schedule": "@daily", "command": ["a"]}, "schedule, command", "plugins.ingestion"),
            ("ingestion", {}, "an empty one", "plugins.ingestion"),
        ],
    )
    def test_values_alone_make_no_job(self, kind: str, given: dict[str, Any], found: str, source: str) -> None:
        products = {"products": {"bare": {kind: given}}}
        problem = (
            f"jobs.products.bare.{kind} is no job of the product: found {found}, expected {source} in artifact.json; a "
            "job of your own goes under jobs.products.bare.custom"
        )
        for file, where in (
            ({"values": {"jobs": products}}, "values"),
            ({"environments": {"prod": {"values": {"jobs": products}}}}, "environments.prod.values"),
        ):
            with pytest.raises(ValuesError, match=f"^{re.escape(f'floe-charts.yaml: {where}: {problem}')}$"):
                jobs_of([minimal_product()], file)
            # Products of several charts, too.
            with pytest.raises(ValuesError, match=re.escape(problem)):
                jobs_of([minimal_product(), artifact()], {**file, "jobs": {"shards": 4}})
        with pytest.raises(ValuesError, match=r"^--set jobs\.products\.bare"):
            synth_jobs([minimal_product()], sets=[f"jobs.products.bare.{kind}.schedule=@daily"])
        # What removes a job, and what is one's own, goes.
        own = {kind: None, "custom": {"own": {"command": ["a"], "schedule": "@daily"}}}
        jobs_of([minimal_product()], {"values": {"jobs": {"products": {"bare": own}}}})

    def test_set_and_values_of_the_command(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("v.yaml").write_text("jobs: {timeZone: Etc/UTC}\nmarquez: {replicas: 3}\n")
        options = ["--env", "dev", "--values", "v.yaml", "--set", "jobs.dbt.target=0123,imageRegistry=m.example.com"]
        result = CliRunner().invoke(main, ["synth", *options])
        assert result.exit_code == 0, result.output
        jobs = Path("charts/floe-jobs/values-dev.yaml").read_text()
        assert 'target: "0123"' in jobs and "timeZone: Etc/UTC" in jobs and "imageRegistry: m.example.com" in jobs
        platform = Path("charts/floe-platform/values-dev.yaml").read_text()
        assert "imageRegistry: m.example.com" in platform and "timeZone" not in platform
        result = CliRunner().invoke(main, ["synth", "--set", "jobs.dbt.targt=a"])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "did you mean jobs.dbt.target?" in result.stderr

    def test_a_product_is_added_by_its_artifact_only(self) -> None:
        files = made_jobs("jobs")[0]
        schema = CompiledSchema(json.loads(files["floe-jobs/values.schema.json"]))
        values = files.final_values("dev")
        known = values["jobs"]["products"]["hello-floe"]
        assert schema.accepts(values)
        assert not schema.accepts(helm_merge(values, {"jobs": {"products": {"other": known}}}))


def test_secrets_to_pull_images_with_are_known_to_be_provided() -> None:
    file = {
        "values": {"imagePullSecrets": [{"name": "registry"}]},
        "environments": {"prod": {"values": {"imagePullSecrets": [{"name": "mirror"}]}}},
    }
    chart = jobs_of([artifact()], file)["floe-jobs/Chart.yaml"]
    assert "- kind: Secret\n      name: mirror\n    - kind: Secret\n      name: registry\n" in chart


class TestNames:
    def test_products_that_differ_in_case_or_punctuation_are_all_there(self, tmp_path: Path) -> None:
        names = ("orders-eu", "Orders_EU", "ORDERS-eu")
        objects = jobs_objects(tmp_path, [product(name) for name in names])
        jobs = of_kind(objects, "CronJob")
        assert len(jobs) == 3 and "floe-jobs-orders-eu-dbt" not in jobs
        env = [one["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["env"] for one in jobs.values()]
        assert sorted(env[0]["value"] for env in env) == sorted(names)
        alone = jobs_objects(tmp_path / "alone", [product("orders-eu")])
        assert set(of_kind(alone, "CronJob")) == {"floe-jobs-orders-eu-dbt"}

    def test_of_names_that_are_alike_both_charts_speak_alike(self, tmp_path: Path) -> None:
        """From files on the command line to the Secrets with credentials, which one chart makes and the other reads."""
        for number, name in enumerate(("Sales-EU", "sales_eu")):
            (tmp_path / f"{number}.json").write_text(product(name).model_dump_json())
        sources = [str(one) for number in (0, 1) for one in ("--artifact", tmp_path / f"{number}.json")]
        result = CliRunner().invoke(main, ["synth", *sources, "--out", str(tmp_path / "charts")])
        assert result.exit_code == 0, result.output
        assert "sales_eu and Sales-EU load the same module sales_eu in Dagster" in result.stderr
        platform, jobs = (
            load_yaml((tmp_path / f"charts/{chart}/values.yaml").read_text())
            for chart in ("floe-platform", "floe-jobs")
        )
        secrets = {one["name"]: one["credentialsSecret"] for one in jobs["jobs"]["products"].values()}
        assert len({*secrets.values(), "floe-platform-sales-eu-credentials"}) == 3
        theirs = {one["name"]: one["credentialsSecret"] for one in platform["products"]["byName"].values()}
        assert secrets == theirs
        assert all(f"  {name}: " in result.stdout for name in secrets.values())
        keys = {one["name"]: set(one["credentials"]) for one in jobs["jobs"]["products"].values()}
        assert keys["sales_eu"] - keys["Sales-EU"] and keys["Sales-EU"] - keys["sales_eu"]

    def test_a_name_that_is_told_by_case_leads_to_its_own_key(self) -> None:
        wrong = {"values": {"jobs": {"products": {"Sales-EU": {"dbt": {"schedule": "@daily"}}}}}}
        with pytest.raises(ValuesError, match=r"did you mean jobs\.products\.sales-eu-[0-9a-f]{8} \(Sales-EU\)"):
            synth_jobs([product("Sales-EU"), product("sales_eu")], Deployment.parse(wrong))

    def test_a_long_name_is_shortened_always_alike(self) -> None:
        long = [product(f"{'customer-' * 4}{ending}") for ending in ("europe", "asia", "europe-north")]
        keys = [plan.key for plan in plan_products(long, Deployment.default())]
        assert len(set(keys)) == 3 and all(len(key) <= 23 for key in keys)
        assert keys[0] == "customer-custo-18f5ec00"
        [alone] = plan_products(long[:1], Deployment.default())
        assert alone.key == keys[0]

    def test_no_name_depends_on_the_number_of_charts(self) -> None:
        """Who wrote values for a product finds it by the same key after the charts became more."""
        names = [f"customer-{number * 'x'}" for number in range(30)]
        keys = {
            shards: {
                plan.key
                for chart in jobs_charts(
                    [product(name) for name in names], Deployment.parse({"jobs": {"shards": shards}})
                )
                for plan in chart.products
            }
            for shards in (1, 9, 10)
        }
        assert keys[1] == keys[9] == keys[10] and len(keys[1]) == len(names)

    def test_the_longest_names_are_those_that_kubernetes_takes(self) -> None:
        deployment = Deployment.parse({"jobs": {"fullname": "j" * 20, "shards": 1024}})
        [plan] = FloeJobs([product("a" * 60)], deployment, shard=1024).products
        longest = max(len(f"{'j' * 20}-1024-{plan.key}-{job}") for job in ("ingestion", "x" * 13))
        assert longest == 52

    # Names that a contract allows.
    _NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_-]{0,60}", fullmatch=True)

    @settings(max_examples=100, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.one_of(_NAMES, st.sampled_from(["a-b", "A_b", "a_B", "A--b", "a-b-"])), min_size=1, unique=True))
    def test_any_names_give_valid_ones_that_differ(self, names: list[str]) -> None:
        example = artifact()
        products = []
        for name in names:
            metadata = example.metadata.model_copy(update={"product_name": name})
            products.append(example.model_copy(update={"metadata": metadata}))
        plans = plan_products(distinct_slugs(products), Deployment.default())
        found = [f"floe-jobs-{plan.key}-{job}" for plan in plans for job in ("dbt", "ingestion", "export")]
        assert len(set(found)) == len(found) == 3 * len(names)
        assert all(len(one) <= 52 for one in found)
        # The last dash stands before the job's own name, so that no job has the name of another product's.
        assert [one.rpartition("-")[0] for one in found[::3]] == [f"floe-jobs-{plan.key}" for plan in plans]

    def test_they_are_names_for_kubernetes(self, tmp_path: Path) -> None:
        names = ["A", "Z_", "a--b", "x" * 60, "Y_9" * 19, "a" + "-" * 30 + "b"]
        objects = jobs_objects(tmp_path, [product(name) for name in names], {"secrets": {"source": "external"}})
        assert len(of_kind(objects, "CronJob")) == len(names)
        assert [fault for one in objects.values() for fault in name_faults(one)] == []


class TestShards:
    NAMES = tuple(f"product-{number}" for number in range(12))

    def homes(self, names: tuple[str, ...], shards: int) -> dict[str, str]:
        files = jobs_of([product(name) for name in names], {"jobs": {"shards": shards}})
        return {name: chart for chart in files.charts for name in files.final_values("dev", chart)["jobs"]["products"]}

    def test_each_product_is_in_one_chart_and_stays_there(self) -> None:
        homes = self.homes(self.NAMES, 4)
        assert set(homes) == set(self.NAMES) and len(set(homes.values())) > 1
        fewer = self.homes(self.NAMES[::3], 4)
        assert fewer.items() <= homes.items()

    def test_values_of_a_product_go_to_its_chart(self) -> None:
        values = {"jobs": {"products": {"product-1": {"dbt": {"schedule": "@daily"}}}}}
        prod = {"jobs": {"products": {"product-5": {"dbt": {"schedule": "@hourly"}}}}}
        file = {"jobs": {"shards": 4}, "values": values, "environments": {"prod": {"values": prod}}}
        sets = ["jobs.products.product-7.dbt.schedule=@weekly"]
        deployment = Deployment.parse(file, source="floe-charts.yaml")
        files = synth_jobs([product(name) for name in self.NAMES], deployment, sets=sets)
        found = {
            key: one["dbt"]["schedule"]
            for chart in files.charts
            for key, one in files.final_values("prod", chart)["jobs"]["products"].items()
            if "schedule" in one["dbt"]
        }
        assert found == {"product-1": "@daily", "product-5": "@hourly", "product-7": "@weekly"}
        with pytest.raises(
            ValuesError,
            match="produkt-1 is none of the data products; did you mean",
        ):
            jobs_of(
                [product(name) for name in self.NAMES],
                {"jobs": {"shards": 4}, "values": {"jobs": {"products": {"produkt-1": {}}}}},
            )

    def test_each_chart_has_its_own_names_and_labels(self, tmp_path: Path) -> None:
        deployment = Deployment.parse({"jobs": {"shards": 2}})
        files = synth_jobs([product(name) for name in self.NAMES], deployment, environments=["prod"])
        assert files.charts == ("floe-jobs-1", "floe-jobs-2")
        names: list[str] = []
        for chart in files.charts:
            files.write(tmp_path)
            written = WrittenChart(files, tmp_path, deployment)
            written.path = tmp_path / chart
            rendered, findings = parse_objects(
                written.whole().render({"environment": "prod", "jobs": {"networkPolicy": {"enabled": True}}})
            )
            assert findings == []
            assert all(one.name.startswith(chart) for one in rendered)
            names += [str(one) for one in rendered]
            policy = next(one.data["spec"] for one in rendered if one.kind == "NetworkPolicy")
            assert policy["podSelector"] == {"matchLabels": {"app.kubernetes.io/part-of": chart}}
        assert len(set(names)) == len(names)

    def test_one_without_products_passes_every_check(self, tmp_path: Path) -> None:
        files = jobs_of([product("alone")], {"jobs": {"shards": 2}})
        [empty] = [name for name in files.charts if not files.final_values("dev", name)["jobs"]["products"]]
        files.write(tmp_path)
        nothing = tmp_path / "nothing.yaml"
        nothing.write_text("accept: []\n")
        report = verified(tmp_path / empty, nothing, ["lint", "renders", "kubernetes", "references", "sealed-schema"])
        assert [str(one) for one in report.findings if one.fails] == []

    @pytest.mark.parametrize(
        ("jobs", "charts"),
        [
            ({}, ["floe-jobs"]),
            ({"name": "products"}, ["products"]),
            ({"shards": 3}, ["floe-jobs-1", "floe-jobs-2", "floe-jobs-3"]),
            ({"enabled": False}, []),
        ],
    )
    def test_the_platform_lets_the_pods_of_every_chart_in(self, jobs: dict[str, Any], charts: list[str]) -> None:
        platform = synth([artifact()], Deployment.parse({"jobs": jobs}), environments=["prod"], plugin_values=())
        assert platform.final_values("prod")["networkPolicies"]["clients"] == {
            name: {"podLabels": {"app.kubernetes.io/part-of": name}} for name in charts
        }

    def test_no_chart_where_none_is_wished(self) -> None:
        files = jobs_of([artifact()], {"jobs": {"enabled": False}})
        assert (dict(files), files.charts, files.notices) == ({}, (), ())

    @pytest.mark.parametrize("where", ["values", "environments.prod.values"])
    def test_values_of_jobs_are_checked_where_no_chart_is_wished(self, where: str) -> None:
        def made(jobs: dict[str, Any], artifacts: list[CompiledArtifacts] | None = None) -> tuple[str, ...]:
            given = {"values": {"jobs": jobs}}
            file = given if where == "values" else {"environments": {"prod": given}}
            return jobs_of(artifacts or [artifact()], {**file, "jobs": {"enabled": False, "shards": 3}}).charts

        assert made({"dbt": {"target": "a"}, "products": {"hello-floe": {"dbt": {"schedule": "@daily"}}}}) == ()
        with pytest.raises(ValuesError, match=f"^floe-charts.yaml: {where}: jobs.dtb is not a value of this chart"):
            made({"dtb": {}})
        with pytest.raises(ValuesError, match="helo-floe is none of the data products; did you mean"):
            made({"products": {"helo-floe": {}}})
        # What fits no ConfigMap may be why no chart is wished.
        noise = random.Random(1).randbytes(1_000_000).hex()
        assert made({"dbt": {"target": "a"}}, [artifact(data_contracts=[{"description": noise}])]) == ()


class TestTooLarge:
    def test_values_over_the_limit_are_refused_with_the_number_of_charts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("floe_charts.synth.jobs.VALUES_LIMIT", 10_000)
        products = [product(f"product-{number}") for number in range(40)]
        with pytest.raises(DeploymentError) as caught:
            jobs_of(products)
        said = str(caught.value)
        assert said.startswith("floe-charts.yaml: jobs.shards: the data products make values of 0.0 MB in a chart")
        assert "spread them over more charts: jobs.shards: 4" in said

    def test_a_release_that_helm_could_not_keep_is_told(self) -> None:
        """Every release holds the artifacts twice: as files of the chart, and in what was rendered."""
        rng = random.Random(1)
        texts = [rng.randbytes(150_000).hex() for _ in range(4)]
        products = [
            product(f"product-{number}", data_contracts=[{"description": text}]) for number, text in enumerate(texts)
        ]
        own = {
            "values": {"jobs": {"image": {"registry": "ghcr.io", "repository": "acme/projects", "tag": "1"}}},
            "clusters": {"one": {"environments": ["dev"]}},
        }
        assert jobs_of(products[:1], own).notices == ()
        [notice] = jobs_of(products, own).notices
        assert notice.startswith(
            "floe-jobs: a release takes about 2.1 MB with the products' artifacts, and Helm and Flux"
        )
        assert notice.endswith("(Argo CD keeps none): spread the products over more charts, jobs.shards: 4")
        assert jobs_of(products, {**own, "jobs": {"shards": 16}}).notices == ()
        # No number of charts makes one product smaller.
        large = product("product-large", data_contracts=[{"description": rng.randbytes(400_000).hex()}])
        for shards in (1, 16):
            [notice] = jobs_of([*products, large], {**own, "jobs": {"shards": shards}}).notices
            assert "jobs.shards" not in notice and notice.endswith(
                "(Argo CD keeps none), and product-large alone too much for any chart: compile without data_contracts "
                "and quality_config, or split the data product"
            )

    def test_no_artifact_is_a_mistake(self) -> None:
        with pytest.raises(ArtifactError, match="found no artifact"):
            jobs_of([])
