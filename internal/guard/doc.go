// Package guard protects one side of one route: here its timeouts and the
// classes of errors that everything else in the guard reasons about.
//
// The package knows error classes, not HTTP: the exchange maps statuses and
// transport errors to classes.
package guard
