// Package term is how stranglerctl writes for people: text that cannot harm
// the terminal it is shown on, colours and when not to use them, columns, and
// times as one says them.
//
// Names and reasons come from other people by way of the server. Everything
// that is printed goes through Safe, which Sprintf and Table do by themselves.
package term
