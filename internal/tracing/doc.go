// Package tracing tells a collector of distributed traces what became of
// exchanges: by OTLP over HTTP, with OpenTelemetry's names.
//
// An Exchange carries its place in the trace and a note of each of its tries.
// Spans are made of that when it is over, so that the data plane does nothing
// for them but write the notes. They wait in a queue of bounded length, and no
// request ever waits for it.
package tracing
