//! The control-plane lane: a real API server without nodes, and what stands in for the rest of a cluster.
//!
//! etcd, kube-apiserver and kube-controller-manager run as processes on loopback, without root ([`server`]). [`standin`] sets what a
//! kubelet and a storage provisioner would set. The real controller runs as a process ([`controller`]) with the ServiceAccount and
//! rights of the real chart ([`install`]), behind a proxy that can make any of its requests fail ([`fault_proxy`]).

pub mod audit;
pub mod binaries;
pub mod controller;
pub mod error;
pub mod fault_proxy;
pub mod identity;
pub mod install;
mod launch;
pub mod process;
pub mod recorder;
pub mod rights;
pub mod server;
pub mod standin;

pub use server::{ControlPlane, ControlPlaneOptions};
