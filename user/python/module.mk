# SPDX-License-Identifier: BSD-3-Clause
# The Python package vuser, which loads libvuser.so.
#
# pythondir is a directory in which the installed python3 looks for packages.
python-files := $(wildcard $(d)vuser/*.py)
python-version = $(or $(shell python3 -c \
	'import sys; print("python%d.%d" % sys.version_info[:2])'),python3)
pythondir ?= $(if $(filter /usr,$(prefix)),/usr/lib/python3/dist-packages,$\
	$(prefix)/lib/$(python-version)/dist-packages)

install: install-python
install-python:
	$(INSTALL) -d $(DESTDIR)$(pythondir)/vuser
	$(INSTALL) -m 644 $(python-files) $(DESTDIR)$(pythondir)/vuser

# Python has put compiled files beside the installed ones.
uninstall: uninstall-python
uninstall-python:
	rm -rf $(DESTDIR)$(pythondir)/vuser/__pycache__
.PHONY: install-python uninstall-python
