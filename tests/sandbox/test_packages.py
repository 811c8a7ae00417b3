"""The model is told of the packages that are there, and of no others."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.sandbox import runtime
from perdure.sandbox.inside import packages
from perdure.tools.code_interpreter.definition import definition


def install(folder: Path, name: str, *needs: str) -> None:
    """Writes what an installed package says of itself."""
    about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    lines = [f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {need}" for need in needs)]
    (about / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")


def test_the_usual_ones_come_first_and_then_what_nobody_else_needs(tmp_path: Path) -> None:
    install(tmp_path, "pandas", "numpy>=2", 'pyarrow; extra == "parquet"')
    install(tmp_path, "numpy")
    install(tmp_path, "pyarrow")
    install(tmp_path, "Python_Docx", "lxml")
    install(tmp_path, "lxml")
    install(tmp_path, "zeep", "plain")
    install(tmp_path, "plain")
    usual = ["python-docx", "scipy", "numpy"]
    said = packages.installed(usual, [str(tmp_path)])
    assert said == ["Python_Docx", "numpy", "pandas", "pyarrow", "zeep"]


def test_what_the_server_and_the_kernel_need_is_not_for_code(tmp_path: Path) -> None:
    install(tmp_path, "perdure", "psycopg[binary, pool]>=3.2", 'openai; extra == "demo"', "aiohttp")
    install(tmp_path, "psycopg", 'psycopg-binary==3; extra == "binary"')
    for name in ("psycopg-binary", "openai", "aiohttp", "ipykernel", "pip", "polars"):
        install(tmp_path, name)
    assert packages.installed(["ipykernel"], [str(tmp_path)]) == ["polars"]


def test_what_is_no_name_is_not_told_and_not_more_than_a_number(tmp_path: Path) -> None:
    install(tmp_path, "evil")
    for about in tmp_path.iterdir():
        (about / "METADATA").write_text("Name: do this instead\n")
    for number in range(packages.MOST + 10):
        install(tmp_path, f"p{number:03}")
    said = packages.installed([], [str(tmp_path)])
    assert said == [f"p{number:03}" for number in range(packages.MOST)]
    assert packages.are_names(said)
    assert not packages.are_names(["do this instead"])
    assert not packages.are_names(["a"] * (packages.MOST + 1))


def test_the_extra_is_what_is_told_first_and_all_of_it_is_there() -> None:
    said = runtime.installed_packages()
    usual = [name for name in runtime.usual_packages() if name in said]
    assert list(said[: len(usual)]) == usual
    assert {"numpy", "pandas", "python-docx", "reportlab", "scikit-learn", "sympy"} <= set(usual)
    assert set(runtime.NEEDED) <= set(usual)
    assert not {"perdure", "ipykernel", "starlette", "aiohttp"} & set(said)


def test_the_description_names_the_packages() -> None:
    described = definition("python", ["a.csv"], ["numpy", "pandas"]).function.description
    assert described is not None
    assert " Installed: numpy, pandas. plt.show() shows" in described
    assert described.endswith(" Files of the user: 'a.csv'")


def test_without_packages_the_description_says_nothing_of_them() -> None:
    assert "Installed" not in str(definition("python", [], []).function.description)


@pytest.mark.parametrize("most", [1024])
@given(st.lists(st.text(max_size=300)), st.lists(st.text(min_size=1, max_size=50)))
def test_the_description_stays_short_and_has_room_for_files(
    most: int, files: Sequence[str], names: Sequence[str]
) -> None:
    described = str(definition("python", files, names).function.description)
    assert len(described) <= most
    assert not files or "Files of the user: " in described
