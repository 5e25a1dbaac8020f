// Package autopilot moves routes by evidence: it adds up what the fleet has seen,
// asks the gates, takes the next step of a plan when all of them pass, and rolls a
// route back when one says that new does harm.
//
// One router's autopilot acts at a time, by a lease with a fencing number; all
// it knows is in the store, so that any other can go on.
package autopilot
