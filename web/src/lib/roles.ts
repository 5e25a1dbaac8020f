import type { Role } from "../api/types";

const ranks: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Why a role may not do what needs another; empty when it may. */
export function forbidden(role: Role, needed: Role): string {
  if (ranks[role] >= ranks[needed]) return "";
  return `It needs the role ${needed}; your token has the role ${role}.`;
}
