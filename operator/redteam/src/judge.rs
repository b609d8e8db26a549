//! From what the attacker, the control and the receiver say to a verdict. Pure, and closed on doubt.

use serde::{Deserialize, Serialize};

/// What one side says of its own attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "said", rename_all = "lowercase")]
pub enum Told {
    /// It worked.
    Reached(String),
    /// It was refused, or nothing answered.
    Refused(String),
    /// There is nothing to attack: the proof.
    Absent(String),
    /// The attempt itself went wrong.
    Failed(String),
}

impl Told {
    /// The words, with how it went before them.
    pub fn line(&self) -> String {
        match self {
            Self::Reached(said) => format!("reached: {said}"),
            Self::Refused(said) => format!("refused: {said}"),
            Self::Absent(said) => format!("absent: {said}"),
            Self::Failed(said) => format!("failed: {said}"),
        }
    }
}

/// What the receiver counted of each side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Who counted, and what.
    pub by: String,
    /// Of the attack.
    pub attack: u64,
    /// Of the control.
    pub control: u64,
}

impl Counted {
    /// As a sentence.
    pub fn line(&self) -> String {
        format!(
            "{}: {} of the attack, {} of the control",
            self.by, self.attack, self.control
        )
    }
}

/// What came of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// It did not work, and the control shows that it could have.
    Blocked,
    /// There is nothing to attack, which was proven.
    NotApplicable,
    /// Neither can be said.
    Inconclusive,
    /// It worked.
    Open,
}

impl Verdict {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocked => "Blocked",
            Self::NotApplicable => "NotApplicable",
            Self::Inconclusive => "Inconclusive",
            Self::Open => "Open",
        }
    }
}

/// Judges an attack. One sign of success is enough for [`Verdict::Open`]; [`Verdict::Blocked`] needs a control that
/// succeeded and, where there is a receiver, one that saw the control and not the attack.
pub fn judge(attack: &Told, control: &Told, counted: Option<&Counted>) -> Verdict {
    if counted.is_some_and(|c| c.attack > 0) {
        return Verdict::Open;
    }
    match (attack, control) {
        (Told::Reached(_), _) => Verdict::Open,
        (Told::Failed(_), _) | (_, Told::Failed(_)) => Verdict::Inconclusive,
        (Told::Absent(_), Told::Absent(_) | Told::Refused(_))
        | (Told::Refused(_), Told::Absent(_)) => Verdict::NotApplicable,
        (Told::Refused(_), Told::Refused(_)) => Verdict::Inconclusive,
        (Told::Refused(_) | Told::Absent(_), Told::Reached(_))
            if counted.is_some_and(|c| c.control == 0) =>
        {
            Verdict::Inconclusive
        }
        // What the control found and the attacker did not is kept from the attacker.
        (Told::Refused(_) | Told::Absent(_), Told::Reached(_)) => Verdict::Blocked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Told {
        Told::Refused("silent".to_owned())
    }

    fn reached() -> Told {
        Told::Reached("answered".to_owned())
    }

    fn counted(attack: u64, control: u64) -> Counted {
        Counted {
            by: "sentinel".to_owned(),
            attack,
            control,
        }
    }

    #[test]
    fn blocked_needs_a_control_that_worked_and_was_seen() {
        assert_eq!(judge(&refused(), &reached(), None), Verdict::Blocked);
        assert_eq!(
            judge(&refused(), &reached(), Some(&counted(0, 2))),
            Verdict::Blocked
        );
        assert_eq!(
            judge(&refused(), &reached(), Some(&counted(0, 0))),
            Verdict::Inconclusive
        );
        assert_eq!(judge(&refused(), &refused(), None), Verdict::Inconclusive);
        assert_eq!(
            judge(&refused(), &Told::Failed("no pod".to_owned()), None),
            Verdict::Inconclusive
        );
    }

    #[test]
    fn what_the_receiver_saw_counts_more_than_what_the_attacker_says() {
        assert_eq!(
            judge(&refused(), &reached(), Some(&counted(1, 1))),
            Verdict::Open
        );
        assert_eq!(
            judge(&reached(), &reached(), Some(&counted(0, 1))),
            Verdict::Open
        );
        let failed = Told::Failed("the script died".to_owned());
        assert_eq!(judge(&failed, &reached(), None), Verdict::Inconclusive);
        assert_eq!(
            judge(&failed, &reached(), Some(&counted(3, 1))),
            Verdict::Open
        );
    }

    #[test]
    fn absence_is_told_apart() {
        let absent = Told::Absent("no IPv6 address".to_owned());
        assert_eq!(judge(&absent, &absent, None), Verdict::NotApplicable);
        assert_eq!(judge(&refused(), &absent, None), Verdict::NotApplicable);
        assert_eq!(judge(&absent, &reached(), None), Verdict::Blocked);
    }
}
