# Cellar. `make demo` shows it at work, `make test` checks all of it; both install what is missing.

SHELL := /bin/bash
PACKAGES := libsqlite3-dev libhdf5-dev libopenblas-dev zlib1g-dev
# Loaded while the program runs, where they are there: for zarr stores that they compressed. Nothing else needs them.
CODECS := libblosc1 libzstd1 liblz4-1
INSTALL = $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Numeric Swift is a hundred times slower in debug: everything is built for release, tests too, but for those that only call
# (Package.swift). Tests see internal declarations,
# which the program does without: each of the two has a build folder of its own, so that neither makes the other compile again.
# Swift's libraries become part of the program: it runs where there is no Swift.
BUILD := swift build -c release --product cellar --static-swift-stdlib
TEST_BUILD ?= .build-tests
TEST_OPTIONS := -c release -Xswiftc -enable-testing --scratch-path $(TEST_BUILD)
BUILD_TESTS := swift build $(TEST_OPTIONS) --build-tests
TEST := swift test $(TEST_OPTIONS) --skip-build --disable-xctest
# Where `make install` puts the program and what belongs to it: PREFIX/bin, PREFIX/share. DESTDIR stands before it.
PREFIX ?= /usr/local
# The program that is installed and packaged: it is built, unless it is named. Under sudo, which may know no Swift, `make build` has to come first.
ifdef PROGRAM
BUILT :=
else
PROGRAM := .build/release/cellar
BUILT := $(if $(SUDO_USER),,build)
endif
# Where packages go.
PACKAGES_FOLDER ?= .build-packages
# The first of cellar-demo, cellar-demo-2, … that is not there yet: a demo that somebody worked in is theirs.
DEMO ?= $(shell name=cellar-demo; number=2; while [ -e $$name ]; do name=cellar-demo-$$number; number=$$((number + 1)); done; echo $$name)

PYTHON ?= python3
# Where tests find packages of the field: the folders of `make python`, with colons between them.
CELLAR_TEST_PYTHON ?= $(subst $(eval ) ,:,$(wildcard $(CURDIR)/.venv-zarr/bin/python $(CURDIR)/.venv-copick/bin/python \
    $(CURDIR)/.venv-tools/bin/python))
export CELLAR_TEST_PYTHON

.PHONY: all setup python browser browser-setup build install uninstall deb tarball packaging-setup check-install check-install-setup test lint \
    demo docs schema reference benchmark check-diffusion check-cellpose \
    check-cluster cluster-setup clean

all: build

# What apt has to install, if anything; nothing is asked of apt where all is there.
setup:
	@command -v swift >/dev/null || { echo "Swift 6.3 is missing; https://www.swift.org/install/linux says how to get it" >&2; exit 1; }
	@missing=""; for package in $(PACKAGES); do \
	    dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; \
	    $(INSTALL) $$missing >/dev/null; fi
	@missing=""; for package in $(CODECS); do \
	    dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; \
	    $(INSTALL) $$missing >/dev/null || echo "without$$missing: zarr stores that they compressed are not read"; fi

# The packages of the field that tests compare with, for `make test`: about a minute. They exclude each other: one folder for each.
python:
	test -x .venv-zarr/bin/python || $(PYTHON) -m venv .venv-zarr
	.venv-zarr/bin/pip install -q 'numpy==2.4.6' 'zarr==3.1.6' 'numcodecs==0.16.6' 'ome-zarr==0.18.0' 'tensorstore==0.1.86' \
	    'h5py==3.16.0' 'mrcfile==1.5.4' 'pandas==3.1.1'
	test -x .venv-copick/bin/python || $(PYTHON) -m venv .venv-copick
	.venv-copick/bin/pip install -q 'copick==1.31.0' 'zarr==2.18.7' 'numcodecs==0.15.2' 'numpy==2.4.6'
	test -x .venv-tools/bin/python || $(PYTHON) -m venv .venv-tools
	.venv-tools/bin/pip install -q 'datasette==0.65.5' 'snakemake==9.27.1'

# The page in a real browser, and neuroglancer: they need a running `cellar serve` (ADDRESS, with its token).
BROWSER_OPTIONS ?=
browser: browser-setup
	.venv-browser/bin/python Tests/Browser/drive.py '$(ADDRESS)' --pictures .venv-browser/pictures $(BROWSER_OPTIONS)
	.venv-browser/bin/python Tests/Browser/open_neuroglancer.py '$(ADDRESS)' --picture .venv-browser/pictures/neuroglancer.png

# Debian's Chromium with its driver, where they are missing, and what drives them.
browser-setup:
	command -v chromium >/dev/null && command -v chromedriver >/dev/null || { $(INSTALL) chromium chromium-driver >/dev/null; }
	test -x .venv-browser/bin/python || $(PYTHON) -m venv .venv-browser
	.venv-browser/bin/pip install -q 'selenium==4.51.0' 'neuroglancer==2.41.2'

build: setup
	$(BUILD)

install: $(BUILT)
	Packaging/install.sh "$(PROGRAM)" "$(DESTDIR)$(PREFIX)"

uninstall:
	Packaging/install.sh --remove "$(DESTDIR)$(PREFIX)"

# A Debian package, and an archive that brings its libraries (Packaging/README.md).
deb: $(BUILT) packaging-setup
	Packaging/deb.sh "$(PROGRAM)" $(PACKAGES_FOLDER)

tarball: $(BUILT) packaging-setup
	Packaging/tarball.sh "$(PROGRAM)" $(PACKAGES_FOLDER)

packaging-setup:
	@for program in dpkg-shlibdeps patchelf; do command -v $$program >/dev/null || { \
	    echo "installing dpkg-dev patchelf"; $(INSTALL) dpkg-dev patchelf >/dev/null || exit 1; break; }; done

# Installs both in bare systems, as Packaging/README.md says, and runs them there. FROM=source builds in a bare Debian 12 instead, and takes
# half an hour. TRIAL= is what is run instead of a small demo.
FROM ?= packages
check-install: check-install-setup $(if $(filter packages,$(FROM)),deb tarball)
	Packaging/check_install.sh $(FROM) $(PACKAGES_FOLDER)

check-install-setup: packaging-setup
	@command -v debootstrap >/dev/null || [ -x /usr/sbin/debootstrap ] || { echo "installing debootstrap"; $(INSTALL) debootstrap >/dev/null; }
	@Packaging/check_install.sh possible

# Tests of foreign files fork, which takes a large process many times as long as a small one: they have a process of their own.
# What failed is said again at the end, where thousands of lines have gone by.
test: setup
	$(BUILD_TESTS)
	$(call tested,--filter VolumesTests)
	$(call tested,--skip VolumesTests)

define tested
	@set -o pipefail; log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	    $(TEST) $(1) 2>&1 | tee "$$log" || { echo "— what failed —"; grep -a 'recorded an issue' "$$log" | cut -c1-600 | head -20; exit 1; }
endef

# `swift format -i` mends most of what it finds.
lint:
	swift format lint --strict --configuration .swift-format -r Package.swift Sources Schema Migrations Tests Benchmarks/Sources

# Into a new folder: one that is there is never touched, whatever is in it. `make demo DEMO=other` names another.
demo: build
	"$$($(BUILD) --show-bin-path)/cellar" demo $(DEMO)

# Golden files that follow from the code. The tests that compare them write them where CELLAR_RECORD is 1, and fail to say that they
# did: this one failure is expected. Then the same tests compare, and pass: a build that fails, or a file that was not written, fails.
define record
	$(BUILD_TESTS)
	! CELLAR_RECORD=1 $(TEST) --filter '$(1)'
	$(TEST) --filter '$(1)'
endef

# Schema/schema.sql.
schema: setup
	$(call record,CatalogTests.SchemaTests/golden)

# Sources/cellar/REFERENCE.md and ERRORS.md, the table of steps in Sources/Pipeline/README.md, and Schema/datasette.yaml.
reference: setup
	$(call record,CellarTests.ReferenceTests/reference|CellarTests.ErrorListTests/list|PipelineTests.StepTableTests/table|CellarTests.DatasetteTests/metadata)

# The site, from the articles of Sources/CellarKit/CellarKit.docc and CellarKit's public symbols: .build/docs. What tests have compiled
# is not compiled again.
docs: setup
	swift build $(TEST_OPTIONS) --target CellarKit
	.ci/docs $(TEST_BUILD) .build/docs

benchmark: setup
	Benchmarks/run.sh

# The full-size architectures of Stable Diffusion 1.5 and 2.1-base, with random weights, against diffusers: minutes, 6 GB of memory
# and 7 GB in a new folder in CHECK; Python and PyPI's packages come into .venv.
CHECK ?= $(or $(TMPDIR),/tmp)
check-diffusion: setup
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/pip install -q 'torch==2.13.0+cpu' 'diffusers==0.42.1' 'transformers==5.23.0' 'safetensors==0.8.0'
	$(BUILD_TESTS)
	folder=$$(mktemp -d "$(CHECK)/cellar-check-XXXXXX") || exit 1; trap 'rm -rf "$$folder"' EXIT; \
	for model in sd15 sd21; do \
	    .venv/bin/python Tests/DiffusionTests/Golden/check_diffusion.py $$model "$$folder" && \
	    CELLAR_CHECK_DIFFUSION="$$folder" $(TEST) --filter FullSizeTests || exit 1; \
	done

# The published architecture of CPnet, with random weights, against cellpose on a whole slice: two minutes.
check-cellpose: setup
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/pip install -q 'torch==2.13.0+cpu' 'cellpose==3.1.1.3' 'safetensors==0.8.0'
	$(BUILD_TESTS)
	folder=$$(mktemp -d "$(CHECK)/cellar-check-XXXXXX") || exit 1; trap 'rm -rf "$$folder"' EXIT; \
	.venv/bin/python Tests/CellposeTests/Golden/check_cellpose.py "$$folder" && \
	CELLAR_CHECK_CELLPOSE="$$folder" $(TEST) --filter CellposeTests.FullSizeTests

# What runs on a Slurm: Debian's packages, each started in a folder of its own with three simulated nodes, and stopped again. Five minutes, since
# the tests of the scheduler, which mostly wait, have a Slurm beside that of the runs. CELLAR_SLURM_KILLS=500 kills for longer.
TEST_PROGRAM = $(TEST_BUILD)/release/CellarPackageTests.xctest --testing-library swift-testing
check-cluster: setup cluster-setup
	$(BUILD_TESTS)
	log=$$(mktemp) || exit 1; job=; trap 'rm -f "$$log"; [ -z "$$job" ] || kill $$job' EXIT; trap 'exit 1' INT TERM; \
	Tests/Cluster/slurm.sh run $(TEST_PROGRAM) --filter ClusterTests --skip SlurmKillTests >"$$log" 2>&1 & job=$$!; \
	Tests/Cluster/slurm.sh run bash -c '$(TEST_PROGRAM) --filter "CellarTests.(ClusterCommand|SlurmRun)Tests" && \
	    $(TEST_PROGRAM) --filter SlurmKillTests'; runs=$$?; \
	wait $$job; scheduler=$$?; job=; cat "$$log"; [ $$scheduler = 0 ] && [ $$runs = 0 ]

# Debian's Slurm, where it is missing.
cluster-setup:
	@PATH="$$PATH:/usr/sbin"; for program in sbatch slurmctld slurmd munged; do command -v $$program >/dev/null || { \
	    echo "installing slurm-wlm munge"; $(INSTALL) slurm-wlm munge >/dev/null || exit 1; break; }; done

clean:
	rm -rf .build $(TEST_BUILD) Benchmarks/.build
