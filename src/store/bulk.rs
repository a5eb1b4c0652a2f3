//! Inserting rows by the dozens: most of a statement's cost is not its row.

use rusqlite::{CachedStatement, Connection, Statement, ToSql};

/// Rows of a statement `many`.
const MANY: usize = 32;

/// A statement, for one row and for many.
pub(super) struct Bulk<'c> {
    pub(super) conn: &'c Connection,
    /// What all rows have in common, the first parameters of both statements: bound once.
    pub(super) shared: &'c [i64],
    /// Inserts one row.
    pub(super) one: &'static str,
    /// The same for [`MANY`] rows.
    pub(super) many: &'static str,
}

/// The parameters of a statement behind those that all rows share, bound from left to right.
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
            let mut values = Values { statement, bound: self.shared.len() };
            for row in rows {
                bind(&mut values, row)?;
            }
            new += statement.raw_execute()? as u64;
            Ok(())
        };
        let mut statement = self.prepare(self.many)?;
        for rows in many {
            insert(&mut statement, rows)?;
        }
        let mut statement = self.prepare(self.one)?;
        for row in rest {
            insert(&mut statement, std::slice::from_ref(row))?;
        }
        Ok(new)
    }

    fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        for (n, value) in (1..).zip(self.shared) {
            statement.raw_bind_parameter(n, value)?;
        }
        Ok(statement)
    }
}

impl Values<'_, '_> {
    pub(super) fn bind(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.bound += 1;
        self.statement.raw_bind_parameter(self.bound, value)
    }
}
