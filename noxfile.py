"""Every check of the project, one session each."""

from pathlib import Path
from shutil import copy, rmtree

import nox


nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "typing", "docs", "tests", "package"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
TYPED = (
    "hubbatch",
    "tests",
    "benchmarks",
    "examples",
    "conftest.py",
    "noxfile.py",
    "tools",
    "hubbatch_entry",
    "pytest_hubbatch.py",
)
PYTHONS = nox.project.python_versions(PYPROJECT)
# Of one machine's tests as many run at once as it has cores.
PARALLEL = ("-n", "auto", "--dist", "worksteal")
# A session runs the slow tests too, which pyproject.toml leaves out of plain `pytest`.
ALL = ("-m", "")
# -P keeps the checkout off the path, so that only what is installed can be imported.
INSTALLED = ("-P", "-m", "pytest", *ALL)
EVERYTHING = ".[cli,fastapi,opentelemetry,parquet,redis]"
# What a wheel could lack: names, commands, the simulator and its fixture.
FACES = ("tests/test_public.py", "tests/cli", "tests/simulator")
# Where a line that no test reaches is a line that nobody has seen working.
PROVED = (
    "hubbatch/_tables/*",
    "hubbatch/_wire/*",
    "hubbatch/_limits/*",
    "hubbatch/_outcomes/*",
    "hubbatch/_net/*",
    "hubbatch/_classes.py",
    "hubbatch/_http.py",
    "hubbatch/_validators.py",
    "hubbatch/errors.py",
    "hubbatch/models.py",
    "hubbatch_entry/escapes.py",
)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, imports, docstrings, spelling and dependencies."""
    session.install("-e", ".[cli]", "--group", "lint")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")
    session.run(
        "codespell",
        "hubbatch",
        "hubbatch_entry",
        "tests",
        "docs",
        "README.md",
        "CHANGELOG.md",
    )
    session.run("validate-pyproject", "pyproject.toml")
    session.run("deptry", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types, strictly: ours, and what a user's checker and editor show."""
    session.install(".[cli]", "--group", "typing")
    session.run("mypy", *TYPED)
    session.run("basedpyright")
    session.run("basedpyright", "--ignoreexternal", "--verifytypes", "hubbatch")
    session.run("python", *INSTALLED, "tests/editor")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on the Python that runs nox, and hold the coverage."""
    session.install("-e", ".[cli]", "--group", "cov")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *ALL, *PARALLEL, *session.posargs)
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")
    session.run(
        "coverage", "report", "--fail-under=100", f"--include={','.join(PROVED)}"
    )


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site of the documentation; a warning is an error."""
    session.install("-e", ".[cli,fastapi,opentelemetry,redis]", "--group", "docs")
    strictly = ("-W", "-n", "-E", "--keep-going", "-q")
    session.run("sphinx-build", *strictly, "docs", "docs/_build/html")


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """Run the tests on every supported Python that is installed; `-- paths` for some.

    What is tested is the package as it is installed, not the checkout.
    """
    session.install(".[cli]", "--group", "tests")
    session.run("python", *INSTALLED, *PARALLEL, *session.posargs)


@nox.session(venv_backend="uv", python="3.11")
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject allows; `-- paths`."""
    lowest = ("--resolution", "lowest-direct")
    session.install(*lowest, EVERYTHING, "--group", "tests")
    session.run("python", *INSTALLED, *PARALLEL, *session.posargs)
    # The example among the tests wants a newer FastAPI than the integration does.
    session.install(*lowest, "--upgrade-package", "fastapi", ".[fastapi]")
    theirs = ("-W", "ignore:Please use `import python_multipart`")  # Starlette's
    folder = "tests/integrations/test_fastapi"
    parts = ("", "_openapi", "_operation", "_served")
    session.run(
        "python", *INSTALLED, *theirs, *(f"{folder}{part}.py" for part in parts)
    )


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel from the sdist, and use it and its plugin alone."""
    session.install("build", "check-wheel-contents")
    dist = Path(session.create_tmp()) / "dist"
    rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist))
    [wheel] = dist.glob("*.whl")
    session.run("check-wheel-contents", "--ignore", "W009", str(wheel))
    session.install(f"hubbatch[cli] @ {wheel.resolve().as_uri()}")
    # Again, since a venv that is used again may have it by the same version.
    session.install("--force-reinstall", "--no-deps", str(wheel))
    session.run("hubbatch", "demo", silent=True)
    session.install("--group", "tests")
    session.run("python", *INSTALLED, *PARALLEL, *FACES)


@nox.session
def budgets(session: nox.Session) -> None:
    """Fail if a record costs too much CPU, in multiples of `orjson.loads`."""
    session.install(".", "orjson")
    session.run("python", "benchmarks/budgets.py", *session.posargs)


@nox.session
def limit(session: nox.Session) -> None:
    """Hold the rate limit over sockets against a strict server; fail on any 429."""
    session.install(".", "orjson")
    session.run("python", "benchmarks/limit.py", *session.posargs)


@nox.session
def redis(session: nox.Session) -> None:
    """Hold one limit with four processes and Redis; fail on a 429, or under 95 %."""
    session.install(".[redis]", "orjson", "--group", "peers")
    session.run("python", "benchmarks/redis_limit.py", *session.posargs)


@nox.session
def frames(session: nox.Session) -> None:
    """Send frames of pandas, polars and DuckDB as they are."""
    session.install("-e", ".[parquet]", "--group", "frames")
    session.run("pytest", *ALL, "tests/frames", *session.posargs)


@nox.session
def hosts(session: nox.Session) -> None:
    """Run the client without asyncio in notebooks, Django and workers of Celery."""
    session.install("-e", ".[redis]", "--group", "hosts")
    session.run("pytest", *ALL, "tests/hosts", *session.posargs)


@nox.session
def engines(session: nox.Session) -> None:
    """Run what is written with other engines: pipelines of dlt, workers of Taskiq."""
    session.install("-e", ".[cli,dlt]", "--group", "engines")
    session.run("pytest", *ALL, "tests/engines", *session.posargs)


@nox.session
def clients(session: nox.Session) -> None:
    """Read and write the simulator with other clients; npm has HubSpot's for Node."""
    session.install("-e", ".[cli]", "--group", "clients")
    folder = Path(session.create_tmp(), "node").resolve()
    folder.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        copy(Path("tests", "clients", "node", name), folder)
    with session.chdir(folder):
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
        session.run("npm", "ci", *quiet)
    session.env["NODE_PATH"] = str(folder / "node_modules")
    theirs = (
        "-W",
        "ignore:unclosed:ResourceWarning",
    )  # clients that leave sockets open
    session.run("pytest", *ALL, *theirs, "tests/clients", *session.posargs)


@nox.session
def ray(session: nox.Session) -> None:
    """Write and read with Ray, and kill an actor; fail on a 429, a loss, under 95 %.

    `-- --rows 6000 --kill` is one proof alone, in half a minute.
    """
    session.install("-e", ".[ray,redis]", "polars", "--group", "tests")
    session.env["RAY_USAGE_STATS_ENABLED"] = "0"
    proofs: list[list[str]] = [session.posargs]
    if not session.posargs:
        session.run("pytest", *ALL, "-q", "tests/integrations/on_ray.py")
        proofs = [["--rows", "60000"], ["--rows", "30000", "--kill"]]
    for options in proofs:
        session.run("python", "benchmarks/ray_limit.py", *options)


@nox.session
def soak(session: nox.Session) -> None:
    """Live through long storms over sockets: `-- seeds operations`, 10 x 50,000."""
    session.install(".")
    session.run("python", "-m", "tests.integration.storm", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks and write docs/benchmarks.md; `-- --quick` only prints.

    It takes half an hour and needs an idle machine.
    """
    session.install(".[cli]", "--group", "bench")
    session.run("python", "-m", "benchmarks", *session.posargs)
