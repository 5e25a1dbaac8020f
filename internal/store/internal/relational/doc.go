// Package relational is the part of a store that is the same in every SQL
// database: rows to domain types and back, changes, edits, the chain of events.
//
// The databases share their SQL; what little differs is a Dialect. Every
// writing transaction locks the one row of table store first, so commits happen
// one after the other and their order is the order of revisions and of event ids.
package relational
