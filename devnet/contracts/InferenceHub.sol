// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import "./InferenceTypes.sol";
import {InferencePrecompile} from "./InferencePrecompile.sol";

/// Passes an inference to the precompile and repeats its result right after, in the same transaction.
contract InferenceHub {
    InferencePrecompile private constant PRECOMPILE = InferencePrecompile(0x00000000000000000000000000000000000000F4);

    event InferenceResult(ModelOutput output);
    event LLMChatResult(ChatResponse response);
    event LLMCompletionResult(CompletionResponse response);
    event InferenceResultEmitted(address indexed caller, ModelOutput result);

    function chat(string calldata id, ChatRequest calldata request, ChatResponse calldata response) external {
        PRECOMPILE.chat(id, request, response);
        emit LLMChatResult(response);
    }

    function completion(string calldata id, CompletionRequest calldata request, CompletionResponse calldata response)
        external
    {
        PRECOMPILE.completion(id, request, response);
        emit LLMCompletionResult(response);
    }

    function model(string calldata id, ModelRequest calldata request, ModelOutput calldata response) external {
        PRECOMPILE.model(id, request, response);
        emit InferenceResult(response);
    }

    /// A scheduled workflow's run, announced for the contract that asked for it.
    function scheduledWorkflow(
        string calldata id,
        ModelRequest calldata request,
        ModelOutput calldata response,
        address caller
    ) external {
        PRECOMPILE.model(id, request, response);
        emit InferenceResultEmitted(caller, response);
    }
}
