//! The statements of `sql/`, by name. Each file says what it answers, its parameters and its index.

macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {
        $(pub(super) const $name: &str = include_str!(concat!("../../sql/", $file));)*

        /// Every statement, with the file that holds it.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    BAN_ADD_MORE = "ban/add_more.sql";
    BAN_COUNT_BEFORE = "ban/count_before.sql";
    BAN_COUNT_BY_JAIL = "ban/count_by_jail.sql";
    BAN_DELETE_BEFORE = "ban/delete_before.sql";
    BAN_END = "ban/end.sql";
    BAN_END_EXPIRED = "ban/end_expired.sql";
    BAN_ENFORCE = "ban/enforce.sql";
    BAN_EXPIRE = "ban/expire.sql";
    BAN_INSERT = "ban/insert.sql";
    BAN_IS_ACTIVE = "ban/is_active.sql";
    BAN_NEXT_END = "ban/next_end.sql";
    BAN_PROLONG = "ban/prolong.sql";
    BAN_SELECT_ACTIVE = "ban/select_active.sql";
    BAN_SELECT_ALL = "ban/select_all.sql";
    BAN_SELECT_BY_HOST = "ban/select_by_host.sql";
    BAN_SELECT_BY_ID = "ban/select_by_id.sql";
    BAN_SELECT_FROM = "ban/select_from.sql";
    BAN_SELECT_LAST_ID = "ban/select_last_id.sql";
    BAN_SELECT_GROWING = "ban/select_growing.sql";
    BAN_SELECT_LAST_TO_END = "ban/select_last_to_end.sql";
    BAN_SELECT_MORE = "ban/select_more.sql";
    BAN_SELECT_REACHING = "ban/select_reaching.sql";
    BAN_SELECT_UNENFORCED = "ban/select_unenforced.sql";
    BAN_SELECT_WITHOUT_EFFECT = "ban/select_without_effect.sql";
    BAN_SUM_OF_HOST = "ban/sum_of_host.sql";
    BLOCK_COUNT_BEFORE = "block/count_before.sql";
    BLOCK_COUNT_BY_JAIL = "block/count_by_jail.sql";
    BLOCK_COUNT_FAILURES = "block/count_failures.sql";
    BLOCK_DELETE = "block/delete.sql";
    BLOCK_RECOUNT = "block/recount.sql";
    BLOCK_SELECT_BEFORE = "block/select_before.sql";
    BLOCK_SELECT_BETWEEN = "block/select_between.sql";
    BLOCK_SELECT_DIGESTS = "block/select_digests.sql";
    BLOCK_UPSERT = "block/upsert.sql";
    CURSOR_SELECT = "cursor/select.sql";
    CURSOR_SELECT_LAST = "cursor/select_last.sql";
    CURSOR_UPSERT = "cursor/upsert.sql";
    EVIDENCE_INSERT = "evidence/insert.sql";
    EVIDENCE_SELECT_BY_HOST = "evidence/select_by_host.sql";
    EXPORT_DELETE = "export/delete.sql";
    EXPORT_SELECT_ALL = "export/select_all.sql";
    EXPORT_UPSERT = "export/upsert.sql";
    FILTER_INSERT = "filter/insert.sql";
    FILTER_SELECT = "filter/select.sql";
    HOST_DELETE_IDLE = "host/delete_idle.sql";
    HOST_INSERT_WITH_ID = "host/insert_with_id.sql";
    HOST_SELECT = "host/select.sql";
    HOST_SELECT_KEY = "host/select_key.sql";
    HOST_SELECT_LAST_ID = "host/select_last_id.sql";
    INSTALLATION_DELETE = "installation/delete.sql";
    INSTALLATION_RENEW = "installation/renew.sql";
    INSTALLATION_SELECT_ALL = "installation/select_all.sql";
    INSTALLATION_UPSERT = "installation/upsert.sql";
    JAIL_COUNT = "jail/count.sql";
    JAIL_INSERT = "jail/insert.sql";
    JAIL_SELECT = "jail/select.sql";
    JAIL_SELECT_ALL = "jail/select_all.sql";
    JAIL_SELECT_BY_HOST = "jail/select_by_host.sql";
    LINE_DELETE_UNMATCHED = "line/delete_unmatched.sql";
    LINE_INSERT = "line/insert.sql";
    LINE_INSERT_MANY = "line/insert_many.sql";
    LINE_SELECT_BETWEEN = "line/select_between.sql";
    LINE_SELECT_FIRST = "line/select_first.sql";
    LINE_SELECT_LAST = "line/select_last.sql";
    LOG_ADD_LINES = "log/add_lines.sql";
    LOG_DELETE_IDLE = "log/delete_idle.sql";
    LOG_HAS = "log/has.sql";
    LOG_INSERT = "log/insert.sql";
    LOG_SELECT_ALIKE = "log/select_alike.sql";
    LOG_SELECT_SHORTER = "log/select_shorter.sql";
    LOG_TOTALS = "log/totals.sql";
    LOG_UPDATE_HEAD = "log/update_head.sql";
    LOG_UPDATE_SEEN = "log/update_seen.sql";
    MATCH_COUNT_LINES = "match/count_lines.sql";
    MATCH_DELETE = "match/delete.sql";
    MATCH_DELETE_BEFORE = "match/delete_before.sql";
    MATCH_INSERT = "match/insert.sql";
    MATCH_INSERT_MANY = "match/insert_many.sql";
    MATCH_SELECT_BY_HOST = "match/select_by_host.sql";
    MATCH_SELECT_FAILURES = "match/select_failures.sql";
    MATCH_SELECT_KNOWN = "match/select_known.sql";
    MATCH_SELECT_OF_LINE = "match/select_of_line.sql";
    MATCH_UPDATE_FAILURE = "match/update_failure.sql";
    PENDING_DELETE = "pending/delete.sql";
    PENDING_SELECT_ALL = "pending/select_all.sql";
    POSITION_DELETE_BEFORE = "position/delete_before.sql";
    POSITION_SELECT = "position/select.sql";
    POSITION_UPSERT = "position/upsert.sql";
    PROLONGATION_INSERT = "prolongation/insert.sql";
    PROLONGATION_SELECT_BY_HOST = "prolongation/select_by_host.sql";
    TALLY_COUNT_BY_HOST = "tally/count_by_host.sql";
    TALLY_DELETE = "tally/delete.sql";
    TALLY_RECOUNT = "tally/recount.sql";
    TALLY_SELECT_BY_HOST = "tally/select_by_host.sql";
    TALLY_UPSERT = "tally/upsert.sql";
    TALLY_UPSERT_MANY = "tally/upsert_many.sql";
    TOLD_DELETE = "told/delete.sql";
    TOLD_DELETE_ALL = "told/delete_all.sql";
    TOLD_SELECT = "told/select.sql";
    TOLD_UPSERT = "told/upsert.sql";
    TROUBLE_DELETE = "trouble/delete.sql";
    TROUBLE_SELECT_ALL = "trouble/select_all.sql";
    TROUBLE_UPSERT = "trouble/upsert.sql";
}
