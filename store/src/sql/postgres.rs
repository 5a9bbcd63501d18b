//! PostgreSQL: a pool of connections, each with the statements it has prepared.
//!
//! A connection is driven by whoever uses it, in their own task ([`Connection::drive`]): a statement wakes no other thread.
//!
//! A transaction that is dropped is rolled back by a task, which then gives its connection back; where no runtime is left to
//! do so, the connection is closed, which ends the transaction as well.

use std::borrow::Cow;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config};

use super::error::SqlError;
use super::row::Row;
use super::statement::{Statement, Value};
use super::tls::{self, Tls};

/// How long one waits for a free connection, in seconds.
const WAIT_S: u64 = 20;

/// Connections to one database.
pub(crate) struct Pool {
    config: Config,
    tls: Tls,
    only_reads: bool,
    idle: Mutex<Vec<Connection>>,
    free: Arc<Semaphore>,
}

/// A connection.
struct Connection {
    client: Client,
    /// What carries messages to the server and back, while it is polled; ends when the connection does.
    carrier: Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>,
    /// Statements of the program that it has prepared.
    prepared: HashMap<&'static str, tokio_postgres::Statement>,
}

/// A transaction that writes. Dropped without commit, it is rolled back.
#[derive(Debug)]
pub(crate) struct PostgresTransaction {
    pool: Arc<Pool>,
    held: Option<Held>,
    /// Numbers of the locks that it holds.
    locks: Vec<i64>,
}

/// A connection in use, and the right to use one.
#[derive(Debug)]
struct Held {
    connection: Connection,
    permit: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("prepared", &self.prepared.len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the configuration, which holds a password.
        f.debug_struct("Pool").field("only_reads", &self.only_reads).finish_non_exhaustive()
    }
}

impl Connection {
    /// Carries out what is asked of the client.
    async fn drive<T>(
        carrier: &mut Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, SqlError> {
        tokio::select! {
            biased;
            answer = asked => Ok(answer?),
            ended = carrier => {
                ended?;
                Err(SqlError::Io(std::io::ErrorKind::ConnectionAborted.into()))
            }
        }
    }

    /// Runs a script of several statements.
    async fn script(&mut self, sql: &str) -> Result<(), SqlError> {
        Self::drive(&mut self.carrier, self.client.batch_execute(sql)).await
    }

    /// Whether the connection still stands, as far as the server's last words go.
    fn stands(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.carrier.as_mut().poll(&mut context).is_pending() && !self.client.is_closed()
    }

    async fn prepare(&mut self, statement: &Statement) -> Result<tokio_postgres::Statement, SqlError> {
        let known = match &statement.sql {
            Cow::Borrowed(sql) => self.prepared.get(sql),
            Cow::Owned(_) => None,
        };
        if let Some(prepared) = known {
            return Ok(prepared.clone());
        }
        let kinds: Vec<Type> = statement.values.iter().map(Value::kind).collect();
        let prepared = Self::drive(&mut self.carrier, self.client.prepare_typed(&statement.sql, &kinds)).await?;
        if let Cow::Borrowed(sql) = &statement.sql {
            self.prepared.insert(sql, prepared.clone());
        }
        Ok(prepared)
    }

    async fn rows<T>(
        &mut self,
        statement: &Statement,
        read: fn(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let prepared = self.prepare(statement).await?;
        let values: Vec<&(dyn ToSql + Sync)> = statement.values.iter().map(|v| v as _).collect();
        let rows = Self::drive(&mut self.carrier, self.client.query(&prepared, &values)).await?;
        rows.iter().map(|row| read(&Row::Postgres(row))).collect()
    }

    async fn change(&mut self, statement: &Statement) -> Result<u64, SqlError> {
        let prepared = self.prepare(statement).await?;
        Self::drive(&mut self.carrier, self.client.execute_raw(&prepared, &statement.values)).await
    }
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Text(Some(text)) => out.extend_from_slice(text.as_bytes()),
            Self::Integer(Some(number)) => out.extend_from_slice(&number.to_be_bytes()),
            Self::Bytes(Some(bytes)) => out.extend_from_slice(bytes),
            Self::Text(None) | Self::Integer(None) | Self::Bytes(None) => return Ok(IsNull::Yes),
        }
        Ok(IsNull::No)
    }

    /// Statements are prepared with the types of their values: see [`Value::kind`].
    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::TEXT | Type::INT8 | Type::BYTEA)
    }

    to_sql_checked!();
}

impl Value {
    fn kind(&self) -> Type {
        match self {
            Self::Text(_) => Type::TEXT,
            Self::Integer(_) => Type::INT8,
            Self::Bytes(_) => Type::BYTEA,
        }
    }
}

impl Pool {
    /// A pool of `size` connections, made as they are needed. With `only_reads` they refuse to write.
    pub(crate) fn new(url: &str, only_reads: bool, size: usize) -> Result<Self, SqlError> {
        let (mut config, tls) = tls::configure(url)?;
        config.application_name("vigie").connect_timeout(Duration::from_secs(10));
        // A server that went without a word is noticed within a minute, not when the system gives up.
        config
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(60));
        Ok(Self { config, tls, only_reads, idle: Mutex::default(), free: Arc::new(Semaphore::new(size)) })
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<PostgresTransaction, SqlError> {
        let held = self.take().await?;
        // Held by the transaction before it begins: if this future is dropped, it is rolled back.
        let mut transaction = PostgresTransaction { pool: Arc::clone(self), held: Some(held), locks: Vec::new() };
        transaction.script("BEGIN").await?;
        Ok(transaction)
    }

    /// Runs a statement outside any transaction.
    pub(crate) async fn read<T>(
        self: &Arc<Self>,
        statement: &Statement,
        read: fn(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let mut held = self.take().await?;
        let rows = held.connection.rows(statement, read).await;
        self.give_back(held.connection);
        rows
    }

    /// Runs statements one by one, outside any transaction.
    pub(crate) async fn maintain(self: &Arc<Self>, statements: Vec<String>) -> Result<(), SqlError> {
        let mut held = self.take().await?;
        for sql in statements {
            held.connection.script(&sql).await?;
        }
        self.give_back(held.connection);
        Ok(())
    }

    /// Closes every connection that is not in use.
    pub(crate) fn close(&self) {
        self.idle().clear();
    }

    async fn take(self: &Arc<Self>) -> Result<Held, SqlError> {
        let wait = tokio::time::timeout(Duration::from_secs(WAIT_S), Arc::clone(&self.free).acquire_owned());
        let Ok(Ok(permit)) = wait.await else { return Err(SqlError::Busy(WAIT_S)) };
        loop {
            let idle = self.idle().pop();
            let Some(mut connection) = idle else {
                return Ok(Held { connection: self.connect().await?, permit });
            };
            if connection.stands() {
                return Ok(Held { connection, permit });
            }
        }
    }

    async fn connect(&self) -> Result<Connection, SqlError> {
        let (client, carrier) = self.config.connect(self.tls.clone()).await?;
        // Told by the server as it greets.
        if let Some(encoding) = carrier.parameter("server_encoding").filter(|e| *e != "UTF8") {
            return Err(SqlError::Encoding(encoding.to_owned()));
        }
        let mut connection = Connection { client, carrier: Box::pin(carrier), prepared: HashMap::new() };
        if self.only_reads {
            connection.script("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY").await?;
        }
        Ok(connection)
    }

    fn give_back(&self, connection: Connection) {
        self.idle().push(connection);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PostgresTransaction {
    /// Runs a statement and gives its rows.
    pub(crate) async fn rows<T>(
        &mut self,
        statement: &Statement,
        read: fn(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        self.connection()?.rows(statement, read).await
    }

    /// Runs a statement; gives how many rows it changed.
    pub(crate) async fn change(&mut self, statement: &Statement) -> Result<u64, SqlError> {
        self.connection()?.change(statement).await
    }

    /// Holds the lock of that number until the end.
    pub(crate) async fn lock(&mut self, number: i64) -> Result<(), SqlError> {
        if !self.locks.contains(&number) {
            let sql = Cow::Borrowed("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)");
            self.rows(&Statement { sql, values: vec![number.into()] }, |_| Ok(())).await?;
            self.locks.push(number);
        }
        Ok(())
    }

    /// Runs a script of several statements.
    pub(crate) async fn script(&mut self, sql: &str) -> Result<(), SqlError> {
        self.connection()?.script(sql).await
    }

    /// Makes everything durable.
    pub(crate) async fn commit(mut self) -> Result<(), SqlError> {
        self.script("COMMIT").await?;
        if let Some(held) = self.held.take() {
            self.pool.give_back(held.connection);
        }
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut Connection, SqlError> {
        let held = self.held.as_mut().ok_or_else(|| SqlError::Io(std::io::ErrorKind::NotConnected.into()))?;
        Ok(&mut held.connection)
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let pool = Arc::clone(&self.pool);
            runtime.spawn(async move {
                if held.connection.script("ROLLBACK").await.is_ok() {
                    pool.give_back(held.connection);
                }
                drop(held.permit);
            });
        }
    }
}
