// Package rollout is the life of a route: its stages, its holds, its plan, and
// the one state machine that every verb goes through, whoever gives it — a
// person by the API, or the autopilot.
//
// Decide is pure. Controller runs it inside a transaction of a Ledger, which
// writes the new state and its event together.
package rollout
