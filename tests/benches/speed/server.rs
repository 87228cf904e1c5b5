//! A server of a peer: started on a free port of the loopback with nothing that slows or limits it, in a folder of
//! its own, and killed in the end.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::clock::{self, Nanos};
use crate::control::Role;
use crate::programs;
use crate::system::System;

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    folder: TempDir,
}

impl Server {
    /// Starts it; none if it is not installed.
    pub(crate) fn start(system: System) -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        if system == System::Hub {
            return Ok(Some(Self::hub(folder)?));
        }
        let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let config = folder.path().join("config");
        let mut file = File::create(&config)?;
        file.write_all(configuration(system, addr.port()).as_bytes())?;
        let config = config.to_string_lossy();
        let (program, args) = match system {
            System::Ngircd => ("ngircd", vec!["--nodaemon", "--config", &config]),
            System::Redis => ("redis-server", vec![&*config]),
            System::Nats => ("nats-server", vec!["--config", &config]),
            System::Mosquitto => ("mosquitto", vec!["-c", &config]),
            System::Hub
            | System::Threads
            | System::ThreadsQueue
            | System::AsyncStd
            | System::AsyncStdQueue
            | System::Pipes
            | System::PipesTraced
            | System::Simulated => {
                bail!("{system} has no server to install")
            }
        };
        let output = File::create(folder.path().join("output"))?;
        let mut command = Command::new(find(program));
        command.args(args).current_dir(folder.path()).stdin(Stdio::null());
        let child = match command.stdout(output.try_clone()?).stderr(output).spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            child => child.with_context(|| format!("cannot start {program}"))?,
        };
        let mut server = Self { child, addr, folder };
        server.wait_until_it_listens()?;
        Ok(Some(server))
    }

    fn hub(folder: TempDir) -> Result<Self> {
        let mut child = programs::participant(&Role::Hub)?.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self { child, addr: line.trim().parse()?, folder })
    }

    /// The processor time that it has used so far.
    pub(crate) fn processor_time(&self) -> Result<Nanos> {
        clock::of_process(self.child.id())
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        let end = clock::now() + u64::try_from(PATIENCE.as_nanos())?;
        while TcpStream::connect(self.addr).is_err() {
            if let Some(status) = self.child.try_wait()? {
                let output = std::fs::read_to_string(self.folder.path().join("output"));
                bail!("the server has ended with {status}: {}", output.unwrap_or_default().trim());
            }
            if clock::now() >= end {
                bail!("the server does not listen");
            }
            // Nothing tells when another program begins to listen.
            std::thread::park_timeout(LOOK);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian keeps some servers where only the administrator's path leads.
fn find(program: &str) -> String {
    let admin = format!("/usr/sbin/{program}");
    if std::path::Path::new(&admin).exists() { admin } else { program.to_owned() }
}

fn configuration(system: System, port: u16) -> String {
    match system {
        System::Ngircd => format!(
            "[Global]\nName = irc.localhost\nInfo = benchmark\nListen = 127.0.0.1\nPorts = {port}\n\
             [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\n\
             PingTimeout = 3600\n[Options]\nDNS = no\nIdent = no\nPAM = no\n"
        ),
        System::Redis => format!(
            "port {port}\nbind 127.0.0.1\nsave \"\"\nappendonly no\n\
             client-output-buffer-limit pubsub 0 0 0\ntcp-backlog 128\n"
        ),
        System::Nats => format!("host: 127.0.0.1\nport: {port}\nmax_pending: 1GB\nwrite_deadline: \"60s\"\n"),
        System::Mosquitto => format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n\
             max_queued_messages 0\nmax_queued_bytes 0\nmax_inflight_messages 0\nlog_type error\n"
        ),
        System::Hub
        | System::Threads
        | System::ThreadsQueue
        | System::AsyncStd
        | System::AsyncStdQueue
        | System::Pipes
        | System::PipesTraced
        | System::Simulated => String::new(),
    }
}
