// The names of the API's objects, as openapi.yaml has them.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type AutopilotMode = Schemas["AutopilotMode"];
export type Backend = Schemas["Backend"];
export type Breaker = Schemas["Breaker"];
export type BreakerReset = Schemas["BreakerReset"];
export type Event = Schemas["Event"];
export type Exemplar = Schemas["Exemplar"];
export type Explanation = Schemas["Explanation"];
export type Fault = Schemas["Fault"];
export type FaultChange = Schemas["FaultChange"];
export type AutopilotChange = Schemas["AutopilotChange"];
export type FoundDifference = Schemas["FoundDifference"];
export type Difference = Schemas["Difference"];
export type FreezeChange = Schemas["FreezeChange"];
export type GateFinding = Schemas["GateFinding"];
export type GateVerdict = Schemas["GateVerdict"];
export type Instance = Schemas["Instance"];
export type Move = Schemas["Move"];
export type Override = Schemas["Override"];
export type Parity = Schemas["Parity"];
export type ProblemBody = Schemas["Problem"];
export type Role = Schemas["Role"];
export type RouteDetail = Schemas["RouteDetail"];
export type RouteDifferences = Schemas["RouteDifferences"];
export type RouteGates = Schemas["RouteGates"];
export type RouteStatistics = Schemas["RouteStatistics"];
export type RouteStatus = Schemas["RouteStatus"];
export type Rule = Schemas["Rule"];
export type RuleChange = Schemas["RuleChange"];
export type Side = Schemas["Side"];
export type Stage = Schemas["Stage"];
export type State = Schemas["State"];
export type StatisticsPoint = Schemas["StatisticsPoint"];
export type Status = Schemas["Status"];

/** Who is signed in. */
export interface Session {
  name: string;
  role: Role;
  expires: string | null;
  instance?: string;
  version?: string;
}
