package compare

import "strconv"

// Compare finds where two answers differ.
//
// Statuses come first. Answers of different classes, such as 200 and 404, speak
// of different things: the status is their only difference. A side without an
// answer is one difference of KindAnswer. Then come the response fields of
// Options.Headers, and the bodies by their Content-Type; without one, by what
// they look like. If only one side says that its body is JSON, and both are,
// they are compared as JSON.
//
//   - JSON is compared as the values that it stands for. Numbers are exact,
//     however long: 1.0, 1 and 10e-1 are equal, and so are 0 and -0. Only exponents
//     of more than 18 digits are compared as they are written. The order of
//     members means nothing; a key that an object has more often on one side is a
//     KindRepeat.
//   - Elements of an array are told apart by the member that an unordered rule
//     names, else by the first of id, _id, uuid, key, sku and name that all of
//     them have, each its own, and of which the sides share at least half. That
//     they stand in another order is then one KindOrder. Elements without are
//     compared by their place, where those that are equal show what was put in or
//     left out; or, where an unordered rule says so, as a multiset.
//   - Text is compared by line, and anything else by its hash.
//   - Bytes that are no UTF-8 are compared as they are.
//
// gzip and deflate are decoded before; Content-Encoding itself is no difference.
// Bodies of another coding are compared only if all their bytes are equal. There
// are no bodies in answers to HEAD, and in those with status 1xx, 204, 205 or 304.
func Compare(legacy, fresh Answer, o Options) Result {
	r := newReport(o.Limits)
	if legacy.Failure != "" && fresh.Failure != "" {
		return r.result(ReasonUnanswered)
	}
	if legacy.Failure != "" || fresh.Failure != "" {
		r.add("answer", KindAnswer, outcomeOf(legacy), outcomeOf(fresh))
		return r.result("")
	}
	if !r.statuses(legacy.Status, fresh.Status, o) {
		return r.result("")
	}
	r.headers(legacy.Header, fresh.Header, o)
	return r.result(r.bodies(legacy, fresh, o))
}

func outcomeOf(a Answer) Value {
	if a.Failure != "" {
		return Value{Type: "failure", Text: shown(a.Failure)}
	}
	return statusValue(a.Status)
}

func statusValue(status int) Value { return Value{Type: "status", Text: strconv.Itoa(status)} }

// statuses reports whether the rest of the answers can be compared.
func (r *report) statuses(legacy, fresh int, o Options) bool {
	if legacy == fresh || r.ignores(o.Rules.Status().Here()) {
		return true
	}
	r.add("status", KindStatus, statusValue(legacy), statusValue(fresh))
	return legacy/100 == fresh/100
}
