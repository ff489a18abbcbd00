"""Which packages the wheel holds; everything else about the project stands in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["lossgen", "lossgen.*"]),
        "lossgen.templates",
        "lossgen.generated",
        *(f"lossgen.generated.{name}" for name in find_packages("generated")),
    ]
)
