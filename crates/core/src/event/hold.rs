//! What is held, and what is kept where it is.

use crate::{GroupId, NodeId};
use std::time::Duration;

/// What is held by an order, or kept where it is after too many moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldEvent {
    /// Nothing, or not this group, moves by itself any more.
    Begins {
        /// The group; everything if absent.
        group: Option<GroupId>,
        /// The node that it was ordered on.
        by: NodeId,
        /// How long it lasts.
        left: Duration,
    },
    /// Somebody has ended it.
    Released {
        /// The group; everything if absent.
        group: Option<GroupId>,
        /// The node that it was ordered on.
        by: NodeId,
    },
    /// Its time is over.
    Expired {
        /// The group; everything if absent.
        group: Option<GroupId>,
    },
    /// A group has moved automatically too often, and is kept where it is.
    Down {
        /// The group.
        group: GroupId,
        /// How often it has moved lately.
        moves: u8,
        /// How long it is kept.
        span: Duration,
    },
    /// It is not kept any longer.
    DownOver {
        /// The group.
        group: GroupId,
    },
}
