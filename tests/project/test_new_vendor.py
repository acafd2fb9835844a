"""``scripts/new-vendor`` writes files with which a vendor is served; scripts/extra/new-vendor.sh checks them in a copy."""

from pathlib import Path

import pytest

from adapters.core.failures import classify
from adapters.core.request import ApiRequest
from adapters.core.vendor import Target, Vendor
from adapters.planning import plan
from config.catalog.models import Catalog
from scripts import new_vendor
from scripts.pages import catalogs

TOY = ["toy", "--title", "Toy", "--base-url", "https://api.toy.example/v1", "--key", "TOY_API_KEY", "--model", "toy-1"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(new_vendor, "ROOT", tmp_path)
    return tmp_path


def test_the_table_and_the_catalog_serve_openais_names(root: Path) -> None:
    new_vendor.main(TOY)
    names: dict[str, object] = {}
    exec(compile((root / "adapters/vendors/toy.py").read_text(), "toy.py", "exec"), names)
    toy = names["TOY"]
    assert isinstance(toy, Vendor)
    rows = Catalog.model_validate(catalogs.read(root / "config/catalog/data/toy.yaml"))
    stand_in = rows.stand_in("gpt-4o", "chat")
    assert stand_in
    model = rows.model(stand_in.model)
    assert model
    planned = plan(ApiRequest("chat", "gpt-4o", {"messages": []}), Target("toy", toy, model, toy.base_urls["cn"]))
    assert (planned.path, planned.request.fields["model"]) == ("/chat/completions", "toy-1")
    assert classify(toy.operations["chat"].failures, 402, {}) == "no_funds"


def test_the_table_has_about_forty_lines(root: Path) -> None:
    new_vendor.main(TOY)
    assert len((root / "adapters/vendors/toy.py").read_text().splitlines()) < 40


def test_nothing_is_overwritten(root: Path) -> None:
    new_vendor.main(TOY)
    (root / "docs/vendors/toy.md").write_text("mine")
    with pytest.raises(SystemExit, match=r"exists already: .*docs/vendors/toy\.md"):
        new_vendor.main(TOY)
    assert (root / "docs/vendors/toy.md").read_text() == "mine"


@pytest.mark.parametrize("name", ["Toy", "to-y", "../toy", "kimi", "class", ""])
def test_a_name_that_cannot_be_a_vendors_is_refused(name: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        new_vendor.main([name, *TOY[1:]])
    assert "vendor" in capsys.readouterr().err
    assert not list(root.iterdir())
