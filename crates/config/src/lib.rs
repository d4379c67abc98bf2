//! ha.cf, haresources and authkeys as settings and findings.
