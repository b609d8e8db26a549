//! Model of opening a Workspace: the real decisions with crashes between every write, probes that end either way, and
//! evidence that comes late, is whole or lacks something.

use sde_core::lock::Outcome;
use sde_core::pod::{PROBE, View};
use sde_core::proving::{self, Proving};
use sde_core::workspace::{desired, status, validate};
use stateright::{Checker, Model, Property};

use crate::sim::Sim;
use crate::world;

/// What happened to the pods of a Workspace so far; the state itself is replayed from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Event {
    Pass,
    /// The token is made, then the controller dies.
    PassUntilSecret,
    /// Token and pod are made and gates opened, then the controller dies.
    PassUntilApplied,
    ProbeEnds {
        open: bool,
    },
    Control {
        whole: bool,
    },
    PodLost,
    Stop,
    Start,
    Later,
}

struct Opening {
    longest: usize,
}

struct Replayed {
    sim: Sim,
    wrong: Option<&'static str>,
}

impl Opening {
    fn replay(events: &[Event], start: &Sim) -> Replayed {
        let mut all = Replayed {
            sim: copy(start),
            wrong: None,
        };
        for event in events {
            all.apply(event);
        }
        all
    }
}

fn copy(sim: &Sim) -> Sim {
    let mut fresh = Sim::new(sim.observed.clone());
    fresh.workspace.clone_from(&sim.workspace);
    fresh.secrets.clone_from(&sim.secrets);
    fresh.skip(1000);
    fresh
}

impl Replayed {
    fn pod(&self) -> Option<String> {
        self.sim
            .observed_workspace()
            .pods()
            .last()
            .map(|p| View(p).name().to_owned())
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Pass | Event::PassUntilSecret | Event::PassUntilApplied => self.pass(event),
            Event::ProbeEnds { open } => {
                if let Some(pod) = self.pod() {
                    self.sim.report(
                        &pod,
                        if *open {
                            Outcome::Connected
                        } else {
                            Outcome::Silent
                        },
                    );
                }
            }
            Event::Control { whole } => {
                if let Some(pod) = self.pod() {
                    self.sim.control(&pod);
                    if !whole {
                        self.sim
                            .observed
                            .controls
                            .values_mut()
                            .for_each(|c| c.nonces_seen = None);
                    }
                }
            }
            Event::PodLost => {
                if let Some(pod) = self.pod() {
                    self.sim.pod(&pod).status.as_mut().unwrap().phase = Some("Failed".to_owned());
                }
            }
            Event::Stop => self.sim.workspace.as_mut().unwrap().spec.running = false,
            Event::Start => self.sim.workspace.as_mut().unwrap().spec.running = true,
            Event::Later => self.sim.later(301),
        }
    }

    fn pass(&mut self, event: &Event) {
        let observed = self.sim.observed_workspace();
        let validated = validate(&observed);
        let wanted = desired(&observed, &self.sim.settings, &validated);
        if let Some(pod) = &wanted.open_gate {
            let judged = proving::read(View(pod), &observed.project.as_ref().unwrap().controls);
            let proven =
                matches!(&judged, Proving::Judged(j) if sde_core::project::standing::holds(j));
            let report = View(pod).report(PROBE);
            if !proven || report.is_none_or(|r| r.pod_uid != View(pod).uid()) {
                self.wrong = Some("a gate was opened without a proof for that pod");
            }
        }
        if wanted.pod.is_some() && !observed.pods().is_empty() {
            self.wrong = Some("a second pod was made");
        }
        if wanted.pod.is_some() && wanted.secret.is_none() && observed.secrets.is_empty() {
            self.wrong = Some("a pod was made without its token");
        }
        if validated.is_err() && (wanted.pod.is_some() || wanted.open_gate.is_some()) {
            self.wrong = Some("something was opened that may not run");
        }
        let in_use = observed
            .pods()
            .iter()
            .any(|p| wanted.delete_secrets.contains(&View(p).name().to_owned()));
        if in_use {
            self.wrong = Some("the token of a pod was deleted");
        }
        match event {
            Event::PassUntilSecret => self
                .sim
                .secrets
                .extend(wanted.secret.iter().filter_map(|s| s.metadata.name.clone())),
            Event::PassUntilApplied => {
                let kept = self.sim.workspace.clone();
                let pods = self.sim.observed.pods.clone();
                let secrets = self.sim.secrets.clone();
                self.sim.work();
                // What the pass deleted after its status is still there.
                for pod in pods
                    .into_iter()
                    .filter(|p| !self.sim.names().contains(&View(p).name().to_owned()))
                    .collect::<Vec<_>>()
                {
                    self.sim.observed.pods.push(pod);
                }
                for secret in secrets {
                    if !self.sim.secrets.contains(&secret) {
                        self.sim.secrets.push(secret);
                    }
                }
                self.sim.workspace = kept;
            }
            _ => {
                let applied = wanted.applied();
                let told = status(&observed, &validated, &applied).status;
                self.sim.work();
                if self.sim.workspace_status() != told {
                    self.wrong = Some("the same input gave another status");
                }
            }
        }
        if self.sim.observed_workspace().pods().len() > 1 {
            self.wrong = Some("two pods at once");
        }
    }
}

impl Model for Opening {
    type State = Vec<Event>;
    type Action = Event;

    fn init_states(&self) -> Vec<Vec<Event>> {
        let judged = vec![
            Event::Pass,
            Event::ProbeEnds { open: false },
            Event::Control { whole: true },
        ];
        vec![Vec::new(), vec![Event::Pass], judged]
    }

    fn actions(&self, events: &Vec<Event>, actions: &mut Vec<Event>) {
        // Two events further from a pod whose proof is in.
        let from_judged = self.init_states()[2].as_slice() == events.get(..3).unwrap_or_default();
        if events.len() >= self.longest + 2 * usize::from(from_judged) {
            return;
        }
        let mut all = vec![Event::Pass, Event::PassUntilSecret, Event::PassUntilApplied];
        // What only the world does is told once between two passes.
        let last = events.last();
        if last.is_none_or(|e| {
            matches!(
                e,
                Event::Pass | Event::PassUntilSecret | Event::PassUntilApplied
            )
        }) {
            all.extend([
                Event::ProbeEnds { open: true },
                Event::ProbeEnds { open: false },
                Event::PodLost,
                Event::Stop,
                Event::Start,
                Event::Later,
            ]);
        }
        if matches!(last, Some(Event::ProbeEnds { .. })) {
            all.extend([
                Event::Control { whole: true },
                Event::Control { whole: false },
            ]);
        }
        actions.extend(all);
    }

    fn next_state(&self, events: &Vec<Event>, event: Event) -> Option<Vec<Event>> {
        let mut events = events.clone();
        events.push(event);
        Some(events)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing is ever wrong", |_, events: &Vec<Event>| {
                START.with(|start| Opening::replay(events, start).wrong.is_none())
            }),
            Property::sometimes("a gate opens", |_, events: &Vec<Event>| {
                START.with(|start| {
                    Opening::replay(events, start)
                        .sim
                        .observed_workspace()
                        .pods()
                        .iter()
                        .any(|p| View(p).gate_open())
                })
            }),
        ]
    }
}

thread_local! {
    static START: Sim = start();
}

fn start() -> Sim {
    let sim = Sim::with_workspace();
    assert_eq!(
        sim.workspace.as_ref().map(|w| w.metadata.uid.as_deref()),
        Some(Some(world::WORKSPACE_UID))
    );
    sim
}

#[test]
fn a_gate_opens_only_with_a_proof_and_there_is_one_pod() {
    Opening { longest: 3 }
        .checker()
        .spawn_bfs()
        .join()
        .assert_properties();
}
