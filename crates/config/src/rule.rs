//! Every rule of the checker: a stable number and a severity.
//!
//! `docs/findings.md` explains each rule; a test keeps the two in step.

use crate::finding::Severity;

/// A rule of the checker.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) severity: Severity,
}

macro_rules! rules {
    ($($name:ident $id:literal $severity:ident;)*) => {
        $(pub(crate) static $name: Rule = Rule { id: $id, severity: Severity::$severity };)*

        #[cfg(test)]
        pub(crate) static ALL: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    // ha.cf: directives.
    UNKNOWN_DIRECTIVE "HA0101" Error;
    SLASH_COMMENT "HA0102" Error;
    DIRECTIVE_NOT_BUILT "HA0103" Error;
    NO_VALUE "HA0104" Warning;
    SEVERAL_VALUES "HA0105" Warning;
    GIVEN_TWICE "HA0106" Warning;
    INERT_DIRECTIVE "HA0107" Note;
    NEW_DIRECTIVE "HA0108" Note;
    LINE_TOO_LONG "HA0109" Warning;
    PACEMAKER_ENABLED "HA0110" Error;
    PACEMAKER_TWICE "HA0111" Error;
    UDP_IS_BCAST "HA0112" Warning;
    NICE_FAILBACK "HA0113" Warning;
    HA_CF_MISSING "HA0114" Error;
    HA_CF_DENIED "HA0115" Error;
    BEFORE_PACEMAKER "HA0116" Error;
    AFTER_MEDIUM "HA0117" Warning;
    MULTIPLY_SPECIFIED "HA0118" Error;
    AFTER_PACEMAKER "HA0120" Warning;

    // ha.cf: values.
    BAD_TIME "HA0201" Error;
    NEW_TIME_UNIT "HA0202" Note;
    TIME_ZERO "HA0203" Error;
    BAD_BOOLEAN "HA0204" Error;
    BAD_NUMBER "HA0205" Error;
    BAD_CHOICE "HA0206" Error;
    BAD_FACILITY "HA0207" Error;
    BAD_ENVIRONMENT "HA0208" Error;
    LEGACY_FAILBACK "HA0209" Warning;
    AUTOJOIN_CONFLICT "HA0210" Error;
    NO_LOG "HA0211" Error;
    TRAILING_TEXT "HA0212" Warning;
    PORT_WRAPS "HA0213" Warning;
    NEW_VALUE "HA0214" Note;
    BAD_FAILBACK "HA0215" Error;
    FAILBACK_UNKNOWN_GROUP "HA0216" Warning;
    NO_WATCHDOG "HA0217" Warning;
    NO_LOG_FILE "HA0218" Warning;
    BAD_MONITOR "HA0219" Error;
    MONITOR_UNKNOWN_TARGET "HA0220" Warning;
    BAD_CHECK "HA0221" Error;
    CHECK_OF_UNMONITORED "HA0222" Warning;
    CHECK_NOT_EXECUTABLE "HA0223" Warning;
    MONITOR_WITHOUT_QUESTION "HA0224" Warning;

    // ha.cf: media and ping nodes.
    NO_MEDIA "HA0301" Error;
    BAD_MEDIUM "HA0302" Error;
    BROADCAST_INTERFACE "HA0303" Error;
    NO_BROADCAST_ADDRESS "HA0304" Warning;
    UNKNOWN_DEVICE "HA0305" Warning;
    UNKNOWN_HOST "HA0306" Error;
    UCAST_TO_SELF "HA0307" Warning;
    NOT_A_TERMINAL "HA0308" Error;
    EMPTY_PING_GROUP "HA0309" Error;
    TOO_MANY_LINKS "HA0310" Error;
    DUPLICATE_MEDIUM "HA0311" Warning;
    RESERVED_PORT "HA0312" Warning;
    EXTRA_WORDS "HA0313" Warning;

    // ha.cf: nodes and times.
    NO_NODES "HA0401" Error;
    SELF_MISSING "HA0402" Error;
    ONE_NODE "HA0403" Warning;
    DUPLICATE_NODE "HA0404" Warning;
    MORE_THAN_TWO_NODES "HA0405" Warning;
    TOO_MANY_NODES "HA0406" Error;
    NODE_NOT_UTF8 "HA0407" Warning;
    DEADTIME_TOO_SMALL "HA0411" Error;
    WARNTIME_ABOVE_DEADTIME "HA0412" Warning;
    INITDEAD_BELOW_DEADTIME "HA0413" Error;
    INITDEAD_BELOW_TWICE "HA0414" Warning;
    INITDEAD_SMALL "HA0415" Warning;
    DEADPING_TOO_SMALL "HA0416" Error;
    WARNTIME_BELOW_KEEPALIVE "HA0417" Warning;

    // ha.cf: clients and access.
    BAD_CLIENT "HA0501" Error;
    CLIENT_USER "HA0502" Error;
    CLIENT_PATH "HA0503" Error;
    CLIENT_NOT_EXECUTABLE "HA0504" Error;
    IPFAIL_WITHOUT_PING "HA0505" Warning;
    IPFAIL_LEGACY "HA0506" Warning;
    BAD_APIAUTH "HA0510" Error;
    APIAUTH_TWICE "HA0511" Error;
    APIAUTH_UNKNOWN_ID "HA0512" Error;
    BAD_STONITH "HA0520" Error;
    STONITH_FOREIGN_HOST "HA0521" Warning;
    STONITH_TYPE "HA0522" Error;
    STONITH_FILE "HA0523" Error;
    FENCE_MISSING "HA0524" Error;
    FENCING_NOT_HERE "HA0525" Warning;
    FENCE_UNKNOWN_NODE "HA0526" Error;
    FENCE_AGENT_MISSING "HA0527" Error;
    BAD_FENCE "HA0528" Error;
    FENCE_SECRET_READABLE "HA0529" Warning;

    // authkeys.
    AUTHKEYS_MISSING "HA0601" Error;
    AUTHKEYS_DENIED "HA0602" Error;
    AUTHKEYS_READABLE "HA0603" Error;
    NO_AUTH_LINE "HA0604" Error;
    KEY_NOT_FOUND "HA0605" Error;
    KEY_BEFORE_AUTH "HA0606" Error;
    UNKNOWN_METHOD "HA0607" Error;
    CRC_WITH_KEY "HA0608" Error;
    EMPTY_KEY "HA0609" Error;
    BAD_AUTH_LINE "HA0610" Error;
    KEY_NUMBER_RANGE "HA0611" Error;
    BAD_KEY_LINE "HA0612" Error;
    DUPLICATE_KEY "HA0613" Warning;
    CRC_IS_NO_PROTECTION "HA0614" Warning;
    WORDS_AFTER_KEY "HA0615" Warning;
    AUTHKEYS_SLASH_COMMENT "HA0616" Error;
    SECOND_AUTH_LINE "HA0617" Warning;
    MD5_IS_OLD "HA0618" Note;
    SHA256_IS_NEW "HA0619" Note;

    // haresources.
    HARESOURCES_MISSING "HA0701" Error;
    HARESOURCES_DENIED "HA0702" Error;
    BAD_NODE_NAME "HA0703" Error;
    HARESOURCES_SLASH_COMMENT "HA0704" Error;
    EMPTY_GROUP "HA0705" Warning;
    DUPLICATE_RESOURCE "HA0706" Warning;
    DUPLICATE_GROUP "HA0707" Warning;
    GROUP_NAME_ELSEWHERE "HA0708" Warning;
    COMMENT_ON_CONTINUATION "HA0709" Warning;
    COMMENT_HIDES_CONTINUATION "HA0710" Warning;
    BLANK_AFTER_BACKSLASH "HA0711" Warning;
    UNKNOWN_AGENT "HA0712" Warning;
    NO_GROUPS "HA0713" Warning;
    TOO_MANY_GROUPS "HA0714" Error;
    EMPTY_ARGUMENT "HA0715" Warning;
    CARRIAGE_RETURN "HA0716" Warning;
    LINE_WITHOUT_NODE "HA0717" Warning;
    SLASH_SLASH_RESOURCE "HA0718" Warning;
    BAD_ADDRESS "HA0720" Warning;
    BAD_PREFIX "HA0721" Warning;
    INTERFACE_AS_MASK "HA0722" Warning;
    ADDRESS_IN_NO_SUBNET "HA0723" Warning;
    ADDRESS_IS_OWN "HA0724" Warning;
    UNKNOWN_INTERFACE "HA0725" Warning;
    BAD_BROADCAST "HA0726" Warning;
    IPV6_SHORT_FORM "HA0727" Note;
    STARTED_AT_BOOT "HA0728" Warning;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The rule and severity of every row of the table in `docs/findings.md`.
    fn documented() -> BTreeMap<&'static str, &'static str> {
        include_str!("../../../docs/findings.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| HA"))
            // Rules about the process rather than a file, which the daemon reports.
            .filter(|row| !row.starts_with("08"))
            .map(|row| {
                let mut cells = row.split('|').map(str::trim);
                let number = cells.next().unwrap();
                let id = ALL.iter().find(|rule| &rule.id[2..] == number);
                let id =
                    id.unwrap_or_else(|| panic!("HA{number} is documented and does not exist"));
                (id.id, cells.next().unwrap())
            })
            .collect()
    }

    #[test]
    fn rule_list_matches_documented_rules_and_severities() {
        let documented = documented();
        for rule in ALL {
            let severity = documented.get(rule.id);
            let severity =
                severity.unwrap_or_else(|| panic!("{} is not in docs/findings.md", rule.id));
            assert_eq!(*severity, rule.severity.to_string(), "{}", rule.id);
        }
        assert_eq!(documented.len(), ALL.len());
    }

    #[test]
    fn rule_ids_are_unique() {
        let ids: std::collections::BTreeSet<_> = ALL.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), ALL.len());
    }
}
