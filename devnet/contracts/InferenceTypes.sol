// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

struct ToolCall {
    string id;
    string name;
    string arguments;
}

struct ChatMessage {
    string role;
    string content;
    string name;
    string tool_call_id;
    ToolCall[] tool_calls;
}

struct Tool {
    string description;
    string name;
    string parameters;
}

/// `mode`: 0 VANILLA, 1 ZKML, 2 TEE.
struct ChatRequest {
    uint8 mode;
    string modelCID;
    ChatMessage[] messages;
    Tool[] tools;
    string tool_choice;
    uint32 max_tokens;
    string[] stop_sequence;
    uint32 temperature;
}

struct ChatResponse {
    string finish_reason;
    ChatMessage message;
}

struct CompletionRequest {
    uint8 mode;
    string modelCID;
    string prompt;
    uint32 max_tokens;
    string[] stop_sequence;
    uint32 temperature;
}

struct CompletionResponse {
    string answer;
}

struct Decimal {
    int128 value;
    int128 decimals;
}

struct NumberTensor {
    string name;
    Decimal[] values;
    uint32[] shape;
}

struct StringTensor {
    string name;
    string[] values;
}

struct JsonScalar {
    string name;
    string value;
}

struct ModelInput {
    NumberTensor[] numbers;
    StringTensor[] strings;
}

struct ModelRequest {
    uint8 mode;
    string modelCID;
    ModelInput input;
}

struct ModelOutput {
    NumberTensor[] numbers;
    StringTensor[] strings;
    JsonScalar[] jsons;
    bool is_simulation_result;
}
