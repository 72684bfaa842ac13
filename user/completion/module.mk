# SPDX-License-Identifier: GPL-2.0
# Completion for shells. A shell loads the file that has the name of the program.
bashcompdir ?= $(prefix)/share/bash-completion/completions
zshcompdir ?= $(prefix)/share/zsh/site-functions
fishcompdir ?= $(prefix)/share/fish/vendor_completions.d

completion-dir := $(d)
completion-programs := vuserctl vuserd vuser-ioat vuser-vhost

install: install-completion
install-completion:
	$(INSTALL) -d $(DESTDIR)$(bashcompdir) $(DESTDIR)$(zshcompdir) \
		$(DESTDIR)$(fishcompdir)
	for p in $(completion-programs); do \
		$(INSTALL) -m 644 $(completion-dir)vuser.bash \
			$(DESTDIR)$(bashcompdir)/$$p && \
		$(INSTALL) -m 644 $(completion-dir)vuser.fish \
			$(DESTDIR)$(fishcompdir)/$$p.fish || exit 1; \
	done
	$(INSTALL) -m 644 $(completion-dir)_vuser $(DESTDIR)$(zshcompdir)

.PHONY: install-completion
