# What a service needs. systemd looks below /usr/local as well as below /usr.
systemdsystemunitdir = $(prefix)/lib/systemd/system
nodist_systemdsystemunit_DATA = packaging/stund.service
sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = packaging/sysusers.d/stund.conf
exampledir = $(docdir)/examples
dist_example_DATA = packaging/stund.conf

EXTRA_DIST += packaging/stund.service.in
CLEANFILES += packaging/stund.service

packaging/stund.service: packaging/stund.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) packaging && \
	sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		$(srcdir)/packaging/stund.service.in >$@.tmp && mv $@.tmp $@
