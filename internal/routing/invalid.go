package routing

// Invalid is one reason why a definition could not become a route. A
// definition with several faults has several entries, next to each other.
type Invalid struct {
	Index   int // position in the definitions given to Compile
	Name    string
	Code    InvalidCode
	Field   string // the field at fault, as people write it: match.path, match.methods[1], legacy, keys[0]
	Message string // what is wrong with the value, and what to write instead
}

// InvalidCode is an Invalid for machines.
type InvalidCode string

// The codes.
const (
	InvalidName          InvalidCode = "name"           // the name is empty, or two definitions have it
	InvalidHost          InvalidCode = "host"           // not a host name, an address or *.suffix
	InvalidPath          InvalidCode = "path"           // the template cannot be read, or there is none, or two
	InvalidPattern       InvalidCode = "pattern"        // a parameter's regular expression is refused
	InvalidMethod        InvalidCode = "method"         // not a method
	InvalidCondition     InvalidCode = "condition"      // a header or query condition is refused
	InvalidKey           InvalidCode = "key"            // a cohort key source is refused
	InvalidPin           InvalidCode = "pin"            // a pin without a key, or a second one for the same key
	InvalidStage         InvalidCode = "stage"          // unknown stage, or a weight above 100 %
	InvalidLegacyMissing InvalidCode = "legacy_missing" // no legacy backend, and not retired
	InvalidNewMissing    InvalidCode = "new_missing"    // no new backend in a stage that needs one
	InvalidTie           InvalidCode = "tie"            // another route would match the same requests with the same precedence
)
