# SPDX-License-Identifier: GPL-2.0
# The netlink client, which vuserd and vuserctl share.
vnl-objs := $(addprefix $(d),sock.o msg.o uuid.o name.o dev.o)
vnl-libs := libnl-3.0 libnl-genl-3.0

# The header of the ABI, for other clients.
install: install-vnl
install-vnl: all
	$(INSTALL) -D -m 644 ../include/uapi/linux/vuser.h \
		$(DESTDIR)$(includedir)/vuser/netlink.h

.PHONY: install-vnl
