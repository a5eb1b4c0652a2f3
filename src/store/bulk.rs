//! Inserting rows by the dozens: most of a statement's cost is not its row.

use rusqlite::{Connection, Statement, ToSql};

/// Rows of a statement `many`.
const MANY: usize = 32;

/// A statement, for one row and for many.
pub(super) struct Bulk<'c> {
    pub(super) conn: &'c Connection,
    /// Inserts one row.
    pub(super) one: &'static str,
    /// The same for [`MANY`] rows.
    pub(super) many: &'static str,
}

/// The parameters of a statement, bound from left to right.
pub(super) struct Values<'s, 'c> {
    statement: &'s mut Statement<'c>,
    bound: usize,
}

impl Bulk<'_> {
    /// Inserts `rows`, whose values `bind` gives in the order of the columns; how many were new.
    pub(super) fn insert<R>(
        &self,
        rows: &[R],
        mut bind: impl FnMut(&mut Values<'_, '_>, &R) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<u64> {
        let (many, rest) = rows.as_chunks::<MANY>();
        let mut new = 0;
        let mut insert = |statement: &mut Statement<'_>, rows: &[R]| -> rusqlite::Result<()> {
            let mut values = Values { statement, bound: 0 };
            for row in rows {
                bind(&mut values, row)?;
            }
            new += statement.raw_execute()? as u64;
            Ok(())
        };
        let mut statement = self.conn.prepare_cached(self.many)?;
        for rows in many {
            insert(&mut statement, rows)?;
        }
        let mut statement = self.conn.prepare_cached(self.one)?;
        for row in rest {
            insert(&mut statement, std::slice::from_ref(row))?;
        }
        Ok(new)
    }
}

impl Values<'_, '_> {
    pub(super) fn bind(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.bound += 1;
        self.statement.raw_bind_parameter(self.bound, value)
    }
}
