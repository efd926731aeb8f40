# What a service needs. systemd looks below /usr/local as well as below /usr.
systemdsystemunitdir = $(prefix)/lib/systemd/system
nodist_systemdsystemunit_DATA = packaging/stund.service packaging/turnd.service
sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = packaging/sysusers.d/stund.conf packaging/sysusers.d/turnd.conf
exampledir = $(docdir)/examples
dist_example_DATA = packaging/stund.conf packaging/turnd.conf

EXTRA_DIST += packaging/stund.service.in packaging/turnd.service.in
CLEANFILES += packaging/stund.service packaging/turnd.service

FILL_UNIT = $(AM_V_GEN)$(MKDIR_P) packaging && \
	sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g'

packaging/stund.service: packaging/stund.service.in Makefile
	$(FILL_UNIT) $(srcdir)/packaging/stund.service.in >$@.tmp && mv $@.tmp $@

packaging/turnd.service: packaging/turnd.service.in Makefile
	$(FILL_UNIT) $(srcdir)/packaging/turnd.service.in >$@.tmp && mv $@.tmp $@
