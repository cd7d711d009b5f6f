//! What the rooms of the store are written with: statements with their names, and calls that go to one engine or the other.

/// Names the statements of a file, and lists them for the test that prepares each.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* const $name: &str = $sql;)+
        pub(super) const ALL: &[(&str, &str)] = &[$((concat!(module_path!(), "::", stringify!($name)), $name)),+];
    };
}

/// Has one engine's `sql/` do it, in a span of that name, on PostgreSQL within the time that every call has.
macro_rules! ask {
    ($side:expr, $file:ident :: $name:ident ( $($arg:expr),* )) => {{
        let name = concat!(stringify!($file), "::", stringify!($name));
        match $side {
            Side::Sqlite(conn) => $crate::store::sqlite::sql::$file::$name(conn, $($arg),*).instrument(Engine::Sqlite.span(name)).await,
            Side::Postgres(conn) => {
                let call = $crate::store::postgres::sql::$file::$name(conn, $($arg),*);
                $crate::store::postgres::within(call).instrument(Engine::Postgres.span(name)).await
            }
        }
    }};
}

/// What can be asked of a connection: a function for each.
macro_rules! calls {
    ($of:ident . $side:tt; $($(#[$doc:meta])* $file:ident :: $name:ident ( $($arg:ident : $type:ty),* ) -> $out:ty;)+) => {
        impl $of {
            $($(#[$doc])*
            ///
            /// # Errors
            /// The database refuses or does not answer, or a row cannot be read.
            pub async fn $name(&mut self, $($arg: $type),*) -> Result<$out, StoreError> {
                ask!(&mut self.$side, $file::$name($($arg),*))
            })+
        }
    };
}
