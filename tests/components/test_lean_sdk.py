"""`lean_sdk` against the ordinary import of the installed SDK, each in a process of its own.

When a release of `pulumi-aws` changes what the comparison rests on, one of these fails: either both ways of importing
still agree and `test_takes_every_service_apart` says that nothing is saved any more, or they do not agree.
"""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@functools.cache
def probe(mode: str, name: str, subject: str = "null", path: Path = ROOT) -> Any:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)])}
    command = [sys.executable, str(HERE / "sdk_probe.py"), mode, name]
    done = subprocess.run(command, input=subject, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lean(script: str, path: Path = ROOT) -> Any:
    return probe("lean", "result_of", json.dumps(script), path)


def ordinary(script: str, path: Path = ROOT) -> Any:
    return probe("ordinary", "result_of", json.dumps(script), path)


def subject(names: dict[str, dict[str, str]], *kinds: str) -> str:
    """The names whose origin is of one of these kinds, for a probe to ask for; all of them without a kind."""
    return json.dumps(
        {
            service: [name for name, origin in members.items() if not kinds or origin.startswith(kinds)]
            for service, members in names.items()
        }
    )


class TestSameObjects:
    def test_a_service_lists_the_same_members(self) -> None:
        assert probe("lean", "listed") == probe("ordinary", "listed")

    def test_every_member_is_there_for_who_asks_without_listing(self) -> None:
        everything = probe("ordinary", "listed")
        assert probe("lean", "asked_for", subject(everything)) == everything

    def test_a_star_import_brings_the_same_names(self) -> None:
        assert probe("lean", "starred") == probe("ordinary", "starred")

    def test_a_class_is_one_object_by_every_path_to_it(self) -> None:
        assert lean("""
import pulumi_aws as aws
from pulumi_aws.ec2 import Vpc, LaunchTemplateMetadataOptionsArgs as Options
import pulumi_aws.ec2.vpc
import pulumi_aws.ec2.launch_template
result = [
    aws.ec2.Vpc is Vpc is aws.ec2.vpc.Vpc is pulumi_aws.ec2.vpc.Vpc,
    Options is aws.ec2.LaunchTemplateMetadataOptionsArgs is aws.ec2._inputs.LaunchTemplateMetadataOptionsArgs,
    Options is aws.ec2.launch_template.LaunchTemplateMetadataOptionsArgs,
    aws.ec2.launch_template.InstanceMetadataOptionsArgs is aws.ec2.InstanceMetadataOptionsArgs,
]
""") == [True, True, True, True]

    def test_a_function_is_not_hidden_by_its_module(self) -> None:
        assert lean("""
import pulumi_aws as aws
aws.ec2.Vpc
import pulumi_aws.ec2.get_ami
from pulumi_aws.ec2.get_subnet import GetSubnetResult
result = [callable(aws.ec2.get_ami), callable(aws.ec2.get_subnet), callable(aws.ec2.get_vpc_output)]
""") == [True, True, True]

    def test_functions_of_a_nested_type_have_their_own_modules_globals_and_the_real_builtins(self) -> None:
        assert lean("""
import builtins, inspect
import pulumi_aws as aws
made = aws.wafv2.WebAclRuleArgs
function = made.__init__
result = [
    function.__globals__ is vars(aws.wafv2._inputs),
    function.__builtins__ is vars(builtins),
    inspect.getsource(made).splitlines()[:2],
    inspect.getsourcelines(function)[0][0].strip(),
]
""") == [True, True, ["@pulumi.input_type", "class WebAclRuleArgs:"], "def __init__(__self__, *,"]

    def test_an_argument_object_survives_pickle_and_copy(self) -> None:
        assert lean("""
import copy, pickle
import pulumi_aws as aws
made = aws.s3.BucketLifecycleConfigurationRuleArgs(id="old", status="Enabled")
result = [pickle.loads(pickle.dumps(made)) == made, copy.deepcopy(made) == made]
""") == [True, True]

    @pytest.mark.parametrize(
        "path",
        [
            "aws.ec2.Nope",
            "aws.ec2.vpc.Nope",
            "aws.ec2.launch_template.Nope",
            "aws.ec2._inputs.NopeArgs",
            "aws.ec2.outputs.Nope",
        ],
    )
    def test_an_unknown_name_fails_with_the_same_words(self, path: str) -> None:
        script = f"""
import pulumi_aws as aws
try:
    {path}
except AttributeError as error:
    result = str(error)
"""
        assert lean(script) == ordinary(script)


class TestSameRegistrations:
    def test_a_program_registers_the_same_bytes(self) -> None:
        requests = probe("lean", "registrations")["requests"]
        assert requests == probe("ordinary", "registrations")["requests"]
        assert len(requests) == 11

    def test_its_outputs_have_the_same_types_and_values(self) -> None:
        outputs = probe("lean", "registrations")["outputs"]
        assert outputs == probe("ordinary", "registrations")["outputs"]
        assert outputs["acl.default_action"].startswith("pulumi_aws.wafv2.outputs.WebAclDefaultAction(")
        assert outputs["image"].startswith("pulumi_aws.ec2.get_ami.GetAmiResult")

    def test_every_resource_argument_and_output_type_resolves_the_same(self) -> None:
        classes = subject(probe("ordinary", "listed"), "type ", "_TypedDictMeta ")
        assert probe("lean", "types", classes) == probe("ordinary", "types", classes)

    @pytest.mark.soak
    def test_a_resource_that_is_the_only_one_of_a_program_resolves_the_same(self) -> None:
        everything = probe("ordinary", "listed")
        resources = {
            service: {name: origin for name, origin in members.items() if "'CustomResource'" in origin}
            for service, members in everything.items()
        }
        assert probe("lean", "alone", subject(resources)) == probe("ordinary", "alone", subject(resources))

    def test_no_resource_uses_a_nested_type_that_its_star_import_leaves_out(self) -> None:
        classes = subject(probe("ordinary", "listed"), "type ")
        assert probe("lean", "used_by_name", classes) == {}


class TestLessWork:
    def test_takes_every_service_apart(self) -> None:
        assert (
            lean("""
import sys
from sdk_probe import SERVICES, load
from components import lean_sdk
result = []
for service in SERVICES:
    package = load(service)
    if type(package) is not lean_sdk._Service:
        result.append(service)
    for name in {"_inputs", "outputs"} & package.__loader__.names:
        if type(getattr(package, name)) is not lean_sdk._NestedTypes:
            result.append(f"{service}.{name}")
""")
            == []
        )

    def test_a_resource_brings_its_own_file_and_what_it_names(self) -> None:
        loaded = lean("""
import sys
import pulumi_aws as aws
aws.ec2.Subnet
result = sorted(name for name in sys.modules if name.startswith("pulumi_aws.ec2."))
""")
        assert loaded == ["pulumi_aws.ec2.subnet"]

    def test_a_nested_type_brings_those_it_names(self) -> None:
        made, all_types = lean("""
import pulumi_aws as aws
aws.autoscaling.GroupMixedInstancesPolicyArgs
inputs = aws.autoscaling._inputs
result = [sorted(set(vars(inputs)) & set(inputs.__all__)), len(inputs.__all__)]
""")
        assert {"GroupMixedInstancesPolicyArgs", "GroupMixedInstancesPolicyLaunchTemplateOverrideArgs"} <= set(made)
        assert all(name.startswith("GroupMixedInstancesPolicy") for name in made)
        assert len(made) < all_types / 4


class TestAnyOrder:
    def test_installing_twice_is_installing_once(self) -> None:
        assert (
            lean("""
import sys
from components import lean_sdk
lean_sdk.install()
result = sum(type(finder).__module__ == lean_sdk.__name__ for finder in sys.meta_path)
""")
            == 1
        )

    def test_a_service_loaded_before_stays_as_it_is(self) -> None:
        assert ordinary("""
import types
import pulumi_aws as aws
before = aws.sns.Topic
from components import lean_sdk
lean_sdk.install()
result = [aws.sns.Topic is before, type(aws.sns) is types.ModuleType, aws.kms.Key.__module__, aws.ec2.Vpc.__module__]
""") == [True, True, "pulumi_aws.kms.key", "pulumi_aws.ec2.vpc"]

    def test_what_the_program_replaces_stays_replaced(self) -> None:
        assert lean("""
import pulumi_aws as aws
from unittest import mock
aws.ec2.get_vpc = replaced = object()
aws.ec2.VpcArgs
aws.ec2.get_vpc_output
with mock.patch.object(aws.ec2, "Subnet") as patched:
    inside = aws.ec2.Subnet is patched
result = [aws.ec2.get_vpc is replaced, inside, aws.ec2.Subnet.__name__]
""") == [True, True, "Subnet"]

    def test_threads_that_ask_at_once_get_one_class(self) -> None:
        assert lean("""
import sys, threading
import pulumi_aws as aws
sys.setswitchinterval(1e-6)
_ = aws.wafv2._utilities
names = ["WebAclRuleArgs", "WebAcl", "RuleGroup", "WebAclRuleStatementArgs", "RuleGroupRuleArgs"]
found = {name: set() for name in names}
start = threading.Barrier(8)
def ask(order):
    start.wait()
    for name in order:
        found[name].add(getattr(aws.wafv2, name))
threads = [threading.Thread(target=ask, args=(names[i % 5:] + names[:i % 5],)) for i in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
result = {name: len(classes) for name, classes in found.items()}
""") == dict.fromkeys(["WebAclRuleArgs", "WebAcl", "RuleGroup", "WebAclRuleStatementArgs", "RuleGroupRuleArgs"], 1)

    def test_the_providers_configuration_is_imported_as_it_always_was(self) -> None:
        assert (
            lean(
                """
import pulumi_aws as aws
result = [aws.config.region, type(aws.config).__name__, type(sys.modules["pulumi_aws.config"].__loader__).__name__]
""".replace("import pulumi", "import sys\nimport pulumi", 1)
            )[1]
            == "_ExportableConfig"
        )


ORDINARY = "import pulumi\nfrom . import outputs\n__all__ = ['A', 'B']\n"
CLASSES = "@pulumi.input_type\nclass A:\n    x: 'B' = None\n@pulumi.input_type\nclass B:\n    y: str = None\n"


class TestUnexpectedLayout:
    """A made-up SDK whose files are not what the module knows: it is imported as without `install()`."""

    @pytest.fixture
    def write(self, tmp_path: Path) -> Any:
        def write(package: str, inputs: str) -> Path:
            service = tmp_path / "pulumi_aws" / "service"
            service.mkdir(parents=True)
            (tmp_path / "pulumi_aws" / "__init__.py").touch()
            (service / "__init__.py").write_text(package)
            (service / "_inputs.py").write_text(inputs)
            (service / "outputs.py").write_text("__all__ = []\n")
            return tmp_path

        return write

    READ = """
import pulumi_aws.service as service
from pulumi_aws.service import _inputs
result = [type(service).__name__, type(_inputs).__name__, service.A.__name__, repr(sorted(vars(service.A)))]
"""

    def test_the_expected_layout_is_taken_apart(self, write: Any) -> None:
        path = write("from ._inputs import *\n", ORDINARY + CLASSES)
        assert lean(self.READ, path)[:2] == ["_Service", "_NestedTypes"]
        assert lean(self.READ, path)[2:] == ordinary(self.READ, path)[2:]

    @pytest.mark.parametrize(
        "inputs",
        [
            pytest.param(ORDINARY + CLASSES + "class C(A):\n    pass\n", id="a nested type inherits from another"),
            pytest.param(ORDINARY + CLASSES + "C = A\n", id="a nested type has a second name"),
            pytest.param(ORDINARY + CLASSES + "A.z = 1\n", id="a nested type is changed after it is made"),
            pytest.param(ORDINARY + CLASSES + "a = A()\n", id="a nested type is used while the module is made"),
            pytest.param(ORDINARY + CLASSES + "ALL = [A]\n", id="a nested type is kept elsewhere"),
            pytest.param(ORDINARY + CLASSES + "def f():\n    return A\n", id="a function beside the nested types"),
        ],
    )
    def test_nested_types(self, write: Any, inputs: str) -> None:
        path = write("from ._inputs import *\n", inputs)
        assert lean(self.READ, path)[1] == "module"
        assert lean(self.READ, path)[1:] == ordinary(self.READ, path)[1:]

    @pytest.mark.parametrize(
        "package",
        [
            pytest.param("from ._inputs import *\ndef f():\n    return A\n", id="it defines a function"),
            pytest.param("from ._inputs import *\nB = A\n", id="it uses what it imports"),
            pytest.param("from ._inputs import *\nVERSION = 1\n", id="it defines a constant"),
            pytest.param("from ._inputs import A, B\n", id="it names what it imports"),
            pytest.param("from . import _inputs\nA, B = _inputs.A, _inputs.B\n", id="it reads what it imports"),
        ],
    )
    def test_a_package(self, write: Any, package: str) -> None:
        path = write(package, ORDINARY + CLASSES)
        assert lean(self.READ, path)[0] == "module"
        assert lean(self.READ, path)[2:] == ordinary(self.READ, path)[2:]

    def test_exports_that_are_computed(self, write: Any) -> None:
        path = write("from ._inputs import *\n", ORDINARY.replace("['A', 'B']", "sorted({'A', 'B'})") + CLASSES)
        assert lean(self.READ, path)[0] == "module"
        assert lean(self.READ, path)[2:] == ordinary(self.READ, path)[2:]

    def test_an_error_in_the_sdk_is_the_ordinary_error(self, write: Any) -> None:
        path = write("from ._inputs import *\n", ORDINARY + CLASSES + "import no_such_module\n")
        script = """
try:
    import pulumi_aws.service
    pulumi_aws.service.A
except ImportError as error:
    result = str(error)
"""
        assert lean(script, path) == ordinary(script, path) == "No module named 'no_such_module'"
