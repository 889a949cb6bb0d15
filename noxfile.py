"""Every check of the project, one session each."""

from pathlib import Path
from shutil import rmtree

import nox


nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "typing", "tests", "package"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
TYPED = (
    "hubbatch",
    "tests",
    "benchmarks",
    "examples",
    "conftest.py",
    "noxfile.py",
    "pytest_hubbatch.py",
)
PYTHONS = nox.project.python_versions(PYPROJECT)
# Where a line that no test reaches is a line that nobody has seen working.
PROVED = "hubbatch/core/*,hubbatch/net/*,hubbatch/models.py,hubbatch/errors.py"


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, imports, docstrings, spelling and dependencies."""
    session.install("-e", ".[cli]", "--group", "lint")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")
    session.run("codespell", "hubbatch", "tests", "docs", "README.md", "CHANGELOG.md")
    session.run("validate-pyproject", "pyproject.toml")
    session.run("deptry", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types, strictly: ours, and what a user's checker makes of them."""
    session.install(".[cli]", "--group", "typing")
    session.run("mypy", *TYPED)
    session.run("basedpyright")
    session.run("basedpyright", "--ignoreexternal", "--verifytypes", "hubbatch")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on the Python that runs nox, and hold the coverage."""
    session.install("-e", ".[cli]", "--group", "cov")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")
    session.run("coverage", "report", "--fail-under=100", f"--include={PROVED}")


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """Run the tests on every supported Python that is installed."""
    session.install("-e", ".[cli]", "--group", "tests")
    session.run("pytest", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel from the sdist and run the tests on it alone."""
    session.install("build", "check-wheel-contents", "--group", "tests")
    dist = Path(session.create_tmp()) / "dist"
    rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist))
    [wheel] = dist.glob("*.whl")
    session.run("check-wheel-contents", "--ignore", "W009", str(wheel))
    session.install(f"hubbatch[cli] @ {wheel.resolve().as_uri()}")
    # Again, since a venv that is used again may have it by the same version.
    session.install("--force-reinstall", "--no-deps", str(wheel))
    # -P keeps the checkout off the path, so that only the wheel can be imported.
    # What kills processes takes long, and says nothing more of a wheel.
    killing = "--ignore=tests/jobs/test_killing.py"
    session.run("python", "-P", "-m", "pytest", "tests", "-q", killing)


@nox.session
def limit(session: nox.Session) -> None:
    """Hold the rate limit over sockets against a strict server; fail on any 429."""
    session.install(".")
    session.run("python", "benchmarks/limit.py", *session.posargs)


@nox.session
def redis(session: nox.Session) -> None:
    """Hold one limit with four processes and Redis; fail on a 429, or under 95 %."""
    session.install(".[redis]", "--group", "peers")
    session.run("python", "benchmarks/redis_limit.py", *session.posargs)


@nox.session
def ray(session: nox.Session) -> None:
    """Write and read with Ray, an actor killed in between; fail on a 429 or a loss."""
    session.install("-e", ".[ray,redis]", "polars", "--group", "tests")
    session.run("pytest", "-q", "tests/integrations/on_ray.py")
    rows = ("--rows", "30000")
    session.run("python", "benchmarks/ray_limit.py", *(session.posargs or rows))


@nox.session
def soak(session: nox.Session) -> None:
    """Live through long storms over sockets: `-- seeds operations`, 10 x 50,000."""
    session.install(".")
    session.run("python", "-m", "tests.integration.storm", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks and write docs/benchmarks.md; `-- --quick` only prints."""
    session.install(".[cli]", "--group", "bench")
    session.run("python", "-m", "benchmarks", *session.posargs)
