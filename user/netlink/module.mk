# SPDX-License-Identifier: GPL-2.0
# What vuserd and vuserctl share: the client's side of the control plane.
vnl-objs := $(d)vnl.o $(d)dev.o $(d)names.o
vnl-libs := libnl-3.0 libnl-genl-3.0

# The ABI, for whoever writes another client.
install: install-vnl
install-vnl: all
	$(INSTALL) -d $(DESTDIR)$(includedir)/linux
	$(INSTALL) -m 644 ../include/uapi/linux/vuser.h \
		$(DESTDIR)$(includedir)/linux

.PHONY: install-vnl
