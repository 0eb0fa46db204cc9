"""The same conversation under several ADK releases, each in an environment of its own.

An environment is made once and kept (`environments`). In it a process of its own holds the
conversation (`holding` starts `worker`). What its flow log shows of hooks (`read_hook_calls`) is
laid beside the others' (`beside`), and what is not the same is named (`differences`).
"""
