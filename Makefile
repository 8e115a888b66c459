# SPDX-License-Identifier: GPL-2.0
# Process containers for Linux 6.12: see README.md, or `make help`.

SHELL := /bin/bash
QEMU := tools/testing/selftests/containers/qemu
KERNEL ?= plain
CPUS ?= 2
NODES ?= 1
MEM ?= 1G
TIMEOUT ?= 300
# What the scripts tell each other is not the user's to set: LINUX= is removed.
unexport BUILD LINUX LOGS LOG LENIENT INTERACTIVE QEMU_ARGS ICOUNT \
	ARCH CROSS_COMPILE COMPILER BUSYBOX
export KERNEL_SRC CPUS NODES MEM TIMEOUT APPEND TESTS SCRIPT KERNEL MINUTES SEED

TORTURED := $(KERNEL:plain=debug)

ifeq ($(filter $(KERNEL),plain debug cgroups kcsan rt),)
$(error KERNEL must be plain, debug, cgroups, kcsan or rt, not '$(KERNEL)')
endif

.PHONY: help setup tree kernel run kselftest check check-clients torture stress \
	bench patches series-check check-off check-matrix check-broken clean distclean

help:
	@echo 'make run           build the patched kernel, boot it, show containers at work'
	@echo '                   SCRIPT=FILE: run that shell script in the guest instead'
	@echo 'make check         all tests: static checks, debug kernel, kernel with cgroups'
	@echo 'make kernel        build/bzImage; KERNEL=debug: build/bzImage-debug;'
	@echo '                   KERNEL=cgroups: build/bzImage-cgroups'
	@echo 'make kselftest     the selftests on KERNEL= alone; TESTS="test_mount ...": some'
	@echo 'make check-clients programs written for the cpusets of old: cset, the kernel'\''s own test'
	@echo 'make torture       everything at once, at random, for MINUTES=10; SEED=N repeats one;'
	@echo '                   on the debug kernel, or KERNEL=kcsan (data races), cgroups'
	@echo '                   (used beside), rt (the same with PREEMPT_RT and lockdep)'
	@echo 'make stress        the same with Debian'\''s stress-ng and trinity'
	@echo 'make bench         what grouping costs, beside control groups: table and plots'
	@echo 'make patches       regenerate patches/ from the tree'
	@echo 'make series-check  build and boot every step of the series'
	@echo 'make check-matrix  each option off in turn, clang, 32 bit, arm64: build and boot'
	@echo 'make check-broken  break the code in one place at a time: does a test fail?'
	@echo 'make check-off     compare the object code without CONFIG_CONTAINERS with the unpatched'
	@echo 'make clean         remove what was built; distclean: the kernel source too'
	@echo
	@echo 'KERNEL_SRC=DIR     another Linux 6.12.y source tree'
	@echo 'KERNEL=plain|debug|cgroups|kcsan|rt CPUS=2 NODES=1 MEM=1G TIMEOUT=300 (seconds)'
	@echo 'NAMES="NAME ...": of the matrix, or of what is broken, those alone'
	@echo 'APPEND="..."       more for the command line of the kernel'

setup:
	@$(QEMU)/setup.sh

tree: setup
	@$(QEMU)/tree.sh

kernel: tree
	@$(QEMU)/build.sh $(KERNEL)

run: kernel
	@if [ -n "$$SCRIPT" ]; then \
		$(QEMU)/boot.sh $(KERNEL) "$$SCRIPT"; \
	elif [ -t 0 ]; then \
		INTERACTIVE=1 TIMEOUT=86400 $(QEMU)/boot.sh $(KERNEL) $(QEMU)/demo.sh; \
	else \
		$(QEMU)/boot.sh $(KERNEL) $(QEMU)/demo.sh; \
	fi

kselftest: kernel
	@$(QEMU)/kselftest.sh $(KERNEL)

check: tree
	@$(QEMU)/check.sh

check-clients: tree
	@$(QEMU)/build.sh plain
	@$(QEMU)/check-clients.sh

torture: tree
	@$(QEMU)/build.sh $(TORTURED)
	@$(QEMU)/torture.sh $(TORTURED)

stress: tree
	@$(QEMU)/setup.sh stress-ng trinity
	@$(QEMU)/build.sh $(TORTURED)
	@$(QEMU)/stress.sh $(TORTURED)

bench: tree
	@$(QEMU)/setup.sh gnuplot-nox
	@$(QEMU)/bench.sh

patches: tree
	@$(QEMU)/series.sh patches

series-check: tree
	@$(QEMU)/series.sh check

check-off: tree
	@$(QEMU)/check-off.sh

check-matrix: tree
	@$(QEMU)/matrix.sh $(NAMES)

check-broken: tree
	@$(QEMU)/build.sh debug
	@$(QEMU)/broken.sh $(NAMES)

clean:
	rm -rf build/plain build/debug build/cgroups build/kcsan build/rt build/bench* build/lockstat* \
		build/series build/off build/matrix* build/selftests* build/clients build/log \
		build/bzImage*

distclean:
	rm -rf build
