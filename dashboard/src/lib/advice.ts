// What to do about a run that ended badly, by the code of its error.

const BY_CODE: Record<string, string> = {
  rate_limit_exceeded:
    "The model server refused for now, or a limit of the project is reached. Wait, or raise the limit.",
  invalid_prompt: "The model server refused the request. Look at the last call of the model below.",
  server_error:
    "The model server failed or did not answer. Look at the attempts of the last call below, and at Health.",
};

export function advice(status: string, code: string | null | undefined, reason?: string | null): string {
  if (status === "expired") {
    return "The run took longer than run_lifetime_seconds, or nobody sent the outputs it waited for.";
  }
  if (status === "incomplete") {
    return reason === "max_completion_tokens"
      ? "The answer reached max_completion_tokens. Raise it, or leave it out."
      : "The prompt reached max_prompt_tokens. Raise it, or leave it out.";
  }
  return (code && BY_CODE[code]) || "Look at the last bar of the waterfall: it is what failed.";
}
